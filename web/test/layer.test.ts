import type { Program } from 'sigma/rendering';
import { describe, expect, it } from 'vitest';
import { Layer, Painter, type View } from '../src/topology/layer';
import { TILE, gridOf, tilesUnder } from '../src/topology/tiles';
import { reserve, writeVertices } from '../src/topology/vertices';

const CORNERS = [
  [-1, 1],
  [1, 1],
] as const;
const FLOATS = 2; // Where a dot is, and its ink.
const grid = gridOf(10 * TILE, TILE);
const VIEW: View = { matrix: [], width: 10 * TILE, height: TILE, ratio: 1, zoom: 1, grid };

// A program as sigma has them, of dots in a row of tiles.
class Dots {
  array!: Float32Array;
  capacity = 0;
  verticesCount = 0;
  readonly VERTICES = CORNERS.length;
  readonly STRIDE = CORNERS.length * (FLOATS + CORNERS[0].length);

  constructor(...dots: [number, number][]) {
    this.put(...dots);
  }

  put(...dots: [number, number][]): void {
    reserve(this as unknown as Program, dots.length, (room) => {
      if (room === this.capacity) return;
      this.capacity = room;
      this.array = new Float32Array(room * this.STRIDE);
    });
    dots.forEach((dot, i) => writeVertices(this.array, i * this.STRIDE, dot, CORNERS));
  }

  drawn(): [number, number][] {
    const out: [number, number][] = [];
    for (let at = 0; at < this.capacity * this.STRIDE; at += this.STRIDE)
      if (this.array[at + FLOATS] !== 0) out.push([this.array[at] ?? 0, this.array[at + 1] ?? 0]);
    return out;
  }
}

class FakeGl {
  cleared = 0;
  enable(): void {}
  disable(): void {}
  bindFramebuffer(): void {}
  clearStencil(): void {}
  scissor(): void {}
  stencilFunc(): void {}
  clear(): void {
    this.cleared += 1;
  }
}

function stage(dots: Dots) {
  const layer = new Layer();
  const painter = new Painter(dots as unknown as Program, layer, FLOATS, (array, from) =>
    array[from + 1] === 0 ? [] : tilesUnder([(array[from] ?? 0) * TILE + TILE / 2, TILE / 2], 1, grid),
  );
  const gl = new FakeGl();
  const frame = (): [number, number][] => {
    let drawn: [number, number][] = [];
    layer.begin(gl as unknown as WebGLRenderingContext, VIEW);
    painter.paint(() => (drawn = dots.drawn()));
    return drawn;
  };
  return { layer, gl, frame };
}

describe('a layer', () => {
  it('is drawn whole at first and when it is told so, and else only where something changed', () => {
    const dots = new Dots([1, 1], [3, 1], [5, 1]);
    const { layer, gl, frame } = stage(dots);
    expect(frame()).toEqual([
      [1, 1],
      [3, 1],
      [5, 1],
    ]);
    gl.cleared = 0;
    expect(frame()).toEqual([]);
    expect(gl.cleared).toBe(0);
    dots.put([1, 1], [3, 2], [5, 1]);
    expect(frame()).toEqual([[3, 2]]);
    expect(frame()).toEqual([]);
    layer.all();
    expect(frame()).toEqual([
      [1, 1],
      [3, 2],
      [5, 1],
    ]);
  });

  it('draws what reaches into a place that changed, too, in the same order', () => {
    const dots = new Dots([3, 1], [5, 1], [3, 2]);
    const { frame } = stage(dots);
    frame();
    dots.put([3, 7], [5, 1], [3, 2]);
    expect(frame()).toEqual([
      [3, 7],
      [3, 2],
    ]);
  });

  it('empties the place that something left, and draws the one that it came to', () => {
    const dots = new Dots([1, 1], [3, 1]);
    const { layer, gl, frame } = stage(dots);
    frame();
    dots.put([1, 1], [7, 1]);
    expect(frame()).toEqual([[7, 1]]);
    expect([...(layer.due ?? [])].flatMap((mark, tile) => (mark === 1 ? [tile] : []))).toEqual([3, 7]);
    dots.put([1, 1]);
    gl.cleared = 0;
    expect(frame()).toEqual([]);
    expect(gl.cleared).toBeGreaterThan(0);
    expect([...(layer.due ?? [])].indexOf(1)).toBe(7);
    dots.put([1, 1], [2, 1]);
    expect(frame()).toEqual([[2, 1]]);
  });

  it('keeps what is there when it needs more room', () => {
    const many = Array.from({ length: 255 }, (_, i): [number, number] => [i % 10, 1 + i]);
    const dots = new Dots(...many);
    const { frame } = stage(dots);
    frame();
    dots.put(...many, [4, 999], [4, 1000], [4, 1001]);
    expect(dots.capacity).toBe(512);
    const drawn = frame();
    expect(drawn).toContainEqual([4, 1001]);
    expect(drawn.every(([x]) => x === 4)).toBe(true);
  });
});
