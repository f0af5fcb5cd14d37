import { describe, expect, it } from 'vitest';
import { Pace } from '../src/topology/pace';

describe('pace', () => {
  it('is ten times a second where frames come in time', () => {
    const pace = new Pace();
    for (let i = 0; i < 20; i++) pace.followed(33.4);
    expect(pace.every()).toBe(100);
  });

  it('takes a quarter of the time where they are late, and comes once a second all the same', () => {
    const pace = new Pace();
    for (let i = 0; i < 50; i++) pace.followed(34 + 100);
    expect(pace.every()).toBeCloseTo(400, 0);
    for (let i = 0; i < 50; i++) pace.followed(5000);
    expect(pace.every()).toBe(1000);
    for (let i = 0; i < 50; i++) pace.followed(30);
    expect(pace.every()).toBe(100);
  });
});
