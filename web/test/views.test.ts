import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { changedQuery, href, parseRoute } from '../src/core/route';
import { jaegerBase, jaegerTrace, traceIdOf } from '../src/core/jaeger';
import { takeToken } from '../src/core/token';
import { age, bytes, count, duration, kib, millicores, ofBudget } from '../src/core/format';
import { filterOf, passes } from '../src/core/filter';
import { cameraIn, cameraOf, cameraText, stateOf, toScreen } from '../src/topology/camera';
import { placeLabels, LABEL_HEIGHT, type LabelWish } from '../src/topology/labels';
import { healthOf, linkSentence, loadOf, lookOf } from '../src/topology/looks';
import { nextInDirection } from '../src/topology/arrows';
import { summary } from '../src/pages/alertRules';
import { parseLayout } from '../src/pages/Spawn';
import { actionsFor } from '../src/pages/Actions';
import { chartOf, pointsOf } from '../src/pages/chartData';
import { orderOf, sortingOf } from '../src/ui/Table';
import type { MetricSeries, NodeRow } from '../src/core/contract';

describe('routes', () => {
  it('reads back what it writes', () => {
    expect(parseRoute('/', '')).toMatchObject({ page: 'topology', rest: '' });
    expect(parseRoute('/nowhere', '').page).toBe('missing');
    const [path, search] = href('nodes', 'mesh1.broker/ä', { q: 'a b', mesh: null }).split('?');
    const route = parseRoute(path!, `?${search}`);
    expect([route.page, route.rest, route.query.get('q'), route.query.has('mesh')]).toEqual([
      'nodes',
      'mesh1.broker/ä',
      'a b',
      false,
    ]);
    expect(parseRoute('/traces/%E0%A4%A', '').rest).toBe('%E0%A4%A');
  });
  it('gives one view one address', () => {
    const a = changedQuery(changedQuery(new URLSearchParams(), { type: 'broker' }), { mesh: 'm' });
    const b = changedQuery(changedQuery(new URLSearchParams(), { mesh: 'm', state: 'dead' }), {
      type: 'broker',
      state: null,
    });
    expect(a.toString()).toBe(b.toString());
  });
});

describe('jaeger', () => {
  it('is linked by http only, and its addresses are ids', () => {
    expect(jaegerBase('http://127.0.0.1:16686/')).toBe('http://127.0.0.1:16686');
    expect(jaegerBase('https://traces.example/jaeger/?a=b#c')).toBe('https://traces.example/jaeger');
    for (const text of ['javascript:alert(1)', 'ftp://a/', '//a', 'http://me:secret@a/', '', null, undefined])
      expect(jaegerBase(text)).toBeNull();
    const id = '00ab'.padEnd(32, '1');
    expect(jaegerTrace('http://a', id)).toBe(`http://a/trace/${id}`);
    expect(jaegerTrace('http://a', 'zz')).toBeNull();
    expect(jaegerTrace(null, id)).toBeNull();
    expect(traceIdOf(` http://a/jaeger/trace/${id.replace(/^0+/, '')}?uiFind=b `)).toBe(id);
    expect(traceIdOf(' 00AB ')).toBe('00ab');
  });
});

describe('the token', () => {
  it('leaves the hash, and nothing else does', () => {
    expect(takeToken('#token=ab%2Bc')).toEqual({ token: 'ab+c', rest: '' });
    expect(takeToken('#x=1&token=q')).toEqual({ token: 'q', rest: '#x=1' });
    expect(takeToken('#section')).toEqual({ token: null, rest: '#section' });
    expect(takeToken('#token=')).toEqual({ token: null, rest: '' });
  });
});

describe('formats', () => {
  it('are for people', () => {
    expect([0.4, 3.21, 412, 4_200, 71_000, 3_700_000, 90_000_000, NaN].map(duration)).toEqual([
      '400 µs',
      '3.2 ms',
      '412 ms',
      '4.2 s',
      '1 m 11 s',
      '1 h 1 m',
      '1 d 1 h',
      '–',
    ]);
    expect([200, 4_200, 61_000].map(age)).toEqual(['0 s', '4 s', '1 m 1 s']);
    expect([512, 8_600, 40_000, 3_000_000].map(kib)).toEqual(['512 KiB', '8.4 MiB', '39 MiB', '2.9 GiB']);
    expect([3, 1.5, 12_345, 4_000_000].map(count)).toEqual(['3', '1.50', '12.3 k', '4.0 M']);
    expect(bytes(100)).toBe('100 B');
    expect(ofBudget(549, 1600, millicores)).toBe('549 / 1600 m');
    expect(ofBudget(600, 9000, kib)).toBe('600 KiB / 8.8 MiB');
    expect(ofBudget(7, 0, millicores)).toBe('7 m');
  });
});

const row = (more: Partial<NodeRow>): NodeRow => ({
  id: 'abc',
  name: 'mesh1.broker.abc',
  mesh: 'mesh1',
  type: 'broker',
  state: 'member',
  process: null,
  addrs: ['127.0.0.1:4711'],
  age_ms: 0,
  known_via: 'gossip',
  source: '',
  started_unix_ms: 0,
  cpu_millicores: 50,
  cpu_budget_millicores: 100,
  memory_kib: 10,
  memory_budget_kib: 0,
  messages_sent: 0,
  messages_received: 0,
  peers: 0,
  suspected_by: [],
  here: true,
  ...more,
});

describe('looks', () => {
  it('never calls well what is not known to be', () => {
    expect(healthOf(row({}))).toBe('well');
    expect(healthOf(row({ process: 'ended' }))).toBe('ended');
    expect(healthOf(row({ process: 'wedged' }))).toBe('wedged');
    expect(healthOf(row({ state: 'suspected', process: 'wedged' }))).toBe('suspected');
    expect(healthOf(row({ state: 'something new' as 'member' }))).toBe('unknown');
    expect(loadOf(row({}))).toBe(0.5);
    expect(loadOf(row({ cpu_budget_millicores: 0 }))).toBeNull();
  });
  it('shows a dispute as one, and says who says so', () => {
    const link = { a: 'x', b: 'y', mesh: 'm', kind: 'overlay', said_by: 'b', eager: 'both' } as const;
    expect(lookOf(link)).toBe('disputed');
    expect(linkSentence(link, 'X', 'Y')).toBe('Y says it is a neighbour of X; X does not say so');
    expect(lookOf({ ...link, said_by: 'both', eager: 'unknown' })).toBe('plain');
    expect(lookOf({ ...link, said_by: 'both', eager: 'a' })).toBe('half');
  });
  it('filters by what is asked', () => {
    const filter = (text: string) => filterOf(new URLSearchParams(text));
    expect(passes(row({}), filter('q=4711&type=broker'))).toBe(true);
    expect(passes(row({}), filter('state=trouble'))).toBe(false);
    expect(passes(row({ state: 'dead' }), filter('state=trouble'))).toBe(true);
    expect(passes(row({}), filter('mesh=mesh2'))).toBe(false);
  });
});

describe('alerts', () => {
  const up = { name: 's', state: 'up', since_unix_ms: 0, text: '' };
  it('says well only when all is heard', () => {
    const calm = { loaded: true, alerts: new Map(), sources: [up] };
    expect(summary(calm, true).overall).toBe('well');
    expect(summary(calm, false).overall).toBe('unknown');
    expect(summary({ ...calm, sources: [] }, true).overall).toBe('unknown');
    expect(summary({ ...calm, loaded: false }, true).overall).toBe('unknown');
    expect(summary({ ...calm, sources: [up, { ...up, state: 'anything else' }] }, true).overall).toBe('unknown');
    const alerts = new Map([
      ['a', { id: 'a', severity: 'info' as const, subject: '', text: '', since_unix_ms: 0, kind: '' }],
    ]);
    expect(summary({ ...calm, alerts }, true).overall).toBe('info');
    expect(summary({ ...calm, alerts }, false).overall).toBe('unknown');
  });
});

describe('camera', () => {
  it('is the same in sigma, whatever the size', () => {
    const numbers = fc.double({ min: 0.5, max: 2000, noNaN: true });
    fc.assert(
      fc.property(numbers, numbers, numbers, numbers, (x, y, width, height) => {
        const size = { width, height };
        const back = cameraIn(stateOf({ x, y, k: 1.5 }, size), size);
        expect(back.x).toBeCloseTo(x);
        expect(back.y).toBeCloseTo(y);
        expect(back.k).toBeCloseTo(1.5);
        expect(toScreen(back, size, { x, y }).x).toBeCloseTo(width / 2);
      }),
    );
    expect(cameraOf(cameraText({ x: 10, y: -4, k: 1.5 }))).toEqual({ x: 10, y: -4, k: 1.5 });
    for (const text of [null, '', '1,2', '1,2,x', '1,2,0', '1,2,3,4']) expect(cameraOf(text)).toBeNull();
  });
});

describe('labels', () => {
  it('cover no node, no title and no other label', () => {
    const wish = fc.record({
      x: fc.integer({ min: 0, max: 600 }),
      y: fc.integer({ min: 0, max: 400 }),
      width: fc.integer({ min: 20, max: 120 }),
      side: fc.constantFrom('left' as const, 'right' as const, 'above' as const, 'below' as const),
    });
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 40 }), (list) => {
        const wishes: LabelWish[] = list.map((each, i) => ({
          ...each,
          id: String(i),
          text: 'x',
          radius: 8,
          must: false,
          within: { x0: 0, x1: 600 },
        }));
        const title = { x0: 100, x1: 300, y0: 50, y1: 90 };
        const nodes = wishes.map(({ x, y }) => ({ x, y, radius: 10 }));
        const placed = placeLabels(wishes, nodes, 600, 400, [title]);
        for (const a of placed) {
          const box = { x0: a.x, x1: a.x + a.width, y0: a.y - LABEL_HEIGHT / 2, y1: a.y + LABEL_HEIGHT / 2 };
          if (box.x0 < 0 || box.x1 > 600 || box.y0 < 0 || box.y1 > 400) throw new Error('clipped');
          if (box.x0 < title.x1 && title.x0 < box.x1 && box.y0 < title.y1 && title.y0 < box.y1)
            throw new Error('a label covers a title');
          for (const b of placed) {
            if (a !== b && box.x0 < b.x + b.width && b.x < box.x1 && Math.abs(a.y - b.y) < LABEL_HEIGHT)
              throw new Error('two labels overlap');
          }
          for (const n of nodes)
            if (n.x + 10 > box.x0 && n.x - 10 < box.x1 && n.y + 10 > box.y0 && n.y - 10 < box.y1)
              throw new Error('a label covers a node');
        }
      }),
    );
  });
});

describe('arrow keys', () => {
  it('go to the nearest ahead', () => {
    const places = new Map([
      ['a', { x: 0, y: 0 }],
      ['b', { x: 10, y: 1 }],
      ['c', { x: 5, y: 30 }],
      ['d', { x: -9, y: 0 }],
    ]);
    expect(nextInDirection(places, 'a', 1, 0)).toBe('b');
    expect(nextInDirection(places, 'a', 0, 1)).toBe('c');
    expect(nextInDirection(places, 'd', -1, 0)).toBeNull();
    expect(nextInDirection(places, null, 1, 0)).toBe('a');
  });
});

describe('actions', () => {
  it('offer what makes sense', () => {
    expect(actionsFor(row({ process: 'ready' }))).toEqual(['stop', 'kill', 'restart', 'wedge']);
    expect(actionsFor(row({ process: 'wedged' }))).toContain('resume');
    expect(actionsFor(row({ process: 'ended' }))).toEqual(['restart']);
  });
  it('read a layout', () => {
    expect(parseLayout('mesh1 gateway=1 broker=3\n\n m2 compute=2 ')).toEqual([
      { mesh: 'mesh1', per_mesh: { gateway: 1, broker: 3 } },
      { mesh: 'm2', per_mesh: { compute: 2 } },
    ]);
    for (const text of ['', 'mesh1', 'mesh1 broker', 'Mesh broker=1', 'mesh1 broker=-1'])
      expect(parseLayout(text)).toBeNull();
  });
});

describe('charts', () => {
  const series = (service: string, history: [number, number, number][]): MetricSeries => ({
    service,
    mesh: 'm',
    node: `m.${service}.1`,
    instance: '',
    attributes: {},
    value: 0,
    history,
  });
  const metric = (list: MetricSeries[], monotonic: boolean, kind = monotonic ? 'sum' : 'gauge') => ({
    name: 'x',
    unit: '',
    kind,
    monotonic,
    description: '',
    series: list,
  });
  it('shows what grows as growth a second, and nothing across a restart', () => {
    expect(
      pointsOf(
        series('a', [
          [0, 10, 1],
          [1e6, 30, 1],
          [2e6, 5, 1],
          [4e6, 9, 1],
        ]),
        'sum',
        true,
      ),
    ).toEqual([
      [1e6, 20],
      [4e6, 2],
    ]);
  });
  it('shows of a histogram the mean of what came', () => {
    expect(
      pointsOf(
        series('a', [
          [0, 10, 2],
          [1e6, 40, 5],
          [2e6, 40, 5],
        ]),
        'histogram',
        false,
      ),
    ).toEqual([
      [0, 5],
      [1e6, 10],
    ]);
  });
  it('takes the mean of gauges and the sum of rates', () => {
    const gauges = chartOf(
      metric([series('a', [[1e6, 2, 1]]), series('a', [[2e6, 4, 1]]), series('b', [[1e6, 9, 1]])], false),
      'type',
      10,
    );
    expect(gauges.seconds).toEqual([0]);
    expect(gauges.lines.map((line) => [line.name, line.values, line.members])).toEqual([
      ['b', [9], 1],
      ['a', [3], 2],
    ]);
    const rates = chartOf(
      metric(
        [
          series('a', [
            [0, 0, 1],
            [5e6, 10, 1],
          ]),
          series('b', [
            [0, 0, 1],
            [5e6, 20, 1],
          ]),
        ],
        true,
      ),
      'all',
      10,
    );
    expect(rates.lines[0]?.values).toEqual([6]);
  });
});

describe('the order of a table', () => {
  it('is one word of the address', () => {
    expect(sortingOf('-peers')).toEqual([{ id: 'peers', desc: true }]);
    for (const order of ['', 'name', '-name']) expect(orderOf(sortingOf(order))).toBe(order);
  });
});
