import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delta, LinkRow, NodeRow, TimelineEvent, World } from '../src/core/contract';
import { EVENTS_MAX, MESSAGES_MAX, WorldStore, linkKey, mergedEvents } from '../src/live/store';
import { POINTS_MAX } from '../src/live/history';

function node(id: string, more: Partial<NodeRow> = {}): NodeRow {
  return {
    id,
    name: `mesh1.broker.${id}`,
    mesh: 'mesh1',
    type: 'broker',
    state: 'member',
    process: 'ready',
    addrs: ['127.0.0.1:1'],
    age_ms: 10,
    known_via: 'gossip',
    source: 'own directory',
    started_unix_ms: 0,
    cpu_millicores: 5,
    cpu_budget_millicores: 100,
    memory_kib: 1,
    memory_budget_kib: 10,
    messages_sent: 0,
    messages_received: 0,
    peers: 1,
    suspected_by: [],
    here: true,
    ...more,
  };
}

function link(a: string, b: string, more: Partial<LinkRow> = {}): LinkRow {
  return { a, b, mesh: 'mesh1', said_by: 'both', eager: 'both', kind: 'overlay', ...more };
}

function world(more: Partial<World> = {}): World {
  return {
    version: 5,
    now_unix_ms: 1000,
    fabric: 'default',
    self: 'a',
    supervisor: { present: true, can_spawn: true },
    read_only: false,
    sources: [],
    meshes: [{ name: 'mesh1' }],
    nodes: [node('a'), node('b')],
    links: [link('a', 'b')],
    alerts: [],
    ...more,
  };
}

describe('WorldStore', () => {
  it('applies what is newer, and nothing twice', () => {
    const store = new WorldStore(() => 0);
    store.replace(world(), 400);
    expect(store.clockAheadMs).toBe(600);
    const delta: Delta = {
      version: 6,
      nodes: [node('c')],
      nodes_gone: ['a'],
      links: [link('b', 'c')],
      links_gone: [{ a: 'a', b: 'b' }],
      alerts: [{ id: 'x', severity: 'warning', subject: 'b', text: '', since_unix_ms: 0, kind: 'k' }],
    };
    expect(store.apply(delta)).toBe(true);
    expect([...store.nodes.keys()]).toEqual(['b', 'c']);
    expect([...store.links.keys()]).toEqual([linkKey(link('b', 'c'))]);
    expect(store.alerts.has('x')).toBe(true);
    store.apply({ version: 7, alerts_gone: ['x'], nodes_gone: ['c'] });
    expect(store.apply(delta)).toBe(false);
    expect([...store.nodes.keys()]).toEqual(['b']);
    expect(store.alerts.size).toBe(0);
  });

  it('takes away only the link of the kind that is named', () => {
    const store = new WorldStore(() => 0);
    store.replace(world({ links: [link('a', 'b'), link('a', 'b', { kind: 'delivery', rate: 2 })] }), 0);
    store.apply({ version: 6, links_gone: [{ a: 'a', b: 'b', kind: 'delivery' }] });
    expect([...store.links.values()].map((each) => each.kind)).toEqual(['overlay']);
  });

  it('says once a frame what changed: rows apart from structure', () => {
    const store = new WorldStore(() => 0);
    store.replace(world(), 0);
    store.flush();
    const seen: { nodes: string[]; links: string[]; structure: boolean }[] = [];
    store.subscribe((changes) => seen.push({ ...changes, nodes: [...changes.nodes], links: [...changes.links] }));
    store.apply({ version: 6, nodes: [node('a', { cpu_millicores: 9 })] });
    store.apply({
      version: 7,
      nodes: [node('b', { cpu_millicores: 9 })],
      links: [link('a', 'b', { eager: 'neither' })],
    });
    store.flush();
    store.apply({ version: 8, nodes: [node('c')] });
    store.flush();
    expect(seen).toEqual([
      { nodes: ['a', 'b'], links: ['a|b|overlay'], structure: false },
      { nodes: [], links: [], structure: true },
    ]);
  });

  it('ends where a reload would: any deltas come to the world they describe', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const change = fc.record({
      put: fc.uniqueArray(fc.constantFrom(...ids)),
      cpu: fc.nat(99),
      gone: fc.uniqueArray(fc.constantFrom(...ids)),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const store = new WorldStore(() => 0);
        store.replace(world(), 0);
        const model = new Map(world().nodes.map((each) => [each.id, each]));
        changes.forEach(({ put, cpu, gone }, i) => {
          const nodes = put.filter((id) => !gone.includes(id)).map((id) => node(id, { cpu_millicores: cpu }));
          for (const each of nodes) model.set(each.id, each);
          for (const id of gone) model.delete(id);
          store.apply({ version: 6 + i, nodes, nodes_gone: gone });
        });
        const told = [...store.nodes.values()].map(({ received, ...row }) => (expect(received).toBe(0), row));
        expect(told.sort((x, y) => (x.id < y.id ? -1 : 1))).toEqual(
          [...model.values()].sort((x, y) => (x.id < y.id ? -1 : 1)),
        );
      }),
    );
  });

  it('counts ages on from when a row came', () => {
    let now = 100;
    const store = new WorldStore(() => now);
    store.replace(world(), 0);
    now = 2100;
    expect(store.ageOf(store.nodes.get('a')!)).toBe(2010);
  });

  it('knows a rate from two words, and none across two lives', () => {
    let now = 0;
    const store = new WorldStore(() => now);
    store.replace(world(), 0);
    expect(store.history.rate('a')).toBeNull();
    now = 2000;
    store.apply({ version: 6, nodes: [node('a', { messages_sent: 100 })] });
    expect(store.history.rate('a')).toBe(50);
    now = 4000;
    store.apply({ version: 7, nodes: [node('b', { messages_sent: 7 })] });
    now = 6000;
    store.apply({ version: 8, nodes: [node('b', { messages_sent: 2 })] });
    store.apply({ version: 9, nodes_gone: ['a'] });
    expect(store.history.of('a')).toEqual([]);
  });

  it('keeps no more than its bounds', () => {
    let now = 0;
    const store = new WorldStore(() => now);
    store.replace(world(), 0);
    const event = (seq: number): TimelineEvent => ({
      seq,
      unix_ms: seq,
      kind: 'joined',
      node: 'a',
      mesh: 'mesh1',
      text: '',
      who: [],
    });
    for (let i = 0; i < EVENTS_MAX + 50; i += 1) store.addEvents([event(i)]);
    expect(store.events.length).toBe(EVENTS_MAX);
    expect(store.events[0]?.seq).toBe(EVENTS_MAX + 49);
    for (let i = 0; i < 3; i += 1)
      store.addMessages(
        Array.from({ length: 600 }, (_, k) => ({
          unix_ms: i * 600 + k,
          from: '',
          to: '',
          name: '',
          bytes: 0,
          path: '',
          latency_us: 0,
          outcome: '',
          trace_id: '',
        })),
      );
    expect(store.messages.length).toBe(MESSAGES_MAX);
    expect(store.messages[0]?.unix_ms).toBe(1799);
    for (let i = 0; i < 200; i += 1) {
      now += 1000;
      store.apply({ version: 10 + i, nodes: [node('a')] });
    }
    expect(store.history.of('a').length).toBe(POINTS_MAX);
  });
});

describe('mergedEvents', () => {
  it('has each event once, newest first', () => {
    const event = (seq: number, text = ''): TimelineEvent => ({
      seq,
      unix_ms: 0,
      kind: 'left',
      node: '',
      mesh: '',
      text,
      who: [],
    });
    expect(
      mergedEvents([event(3), event(1)], [event(2), event(3, 'again'), event(4)]).map(
        (each) => `${each.seq}${each.text}`,
      ),
    ).toEqual(['4', '3again', '2', '1']);
  });
});

describe('a moment of the past', () => {
  it('is shown although less of it is kept', () => {
    const store = new WorldStore(() => 0);
    const past = { id: 'a', name: 'm.broker.a', mesh: 'm', type: 'broker', state: 'dead' as const };
    store.replacePast({ nodes: [past], links: [] });
    store.replacePast({ nodes: [past], links: [] });
    expect(store.nodes.get('a')).toMatchObject({ state: 'dead', addrs: [], suspected_by: [] });
    expect(store.history.rate('a')).toBeNull();
  });
});
