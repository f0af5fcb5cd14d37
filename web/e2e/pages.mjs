// The addresses of all pages, with a node and a trace that exist where one is needed.

import { BASE } from './browser.mjs';

async function get(path) {
  const response = await fetch(BASE + path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

export async function pagePaths() {
  const world = await get('/api/world');
  const { traces } = await get('/api/traces?limit=20');
  const { metrics } = await get('/api/metrics');
  const node = world.nodes.find((each) => each.state === 'member' && each.type !== 'console') ?? world.nodes[0];
  const trace = traces.find((each) => each.resources > 1) ?? traces[0];
  return {
    topology: '/topology',
    selected: `/topology?node=${node.id}`,
    nodes: '/nodes',
    cards: '/nodes?view=cards',
    node: `/nodes/${node.id}`,
    cache: '/cache',
    timeline: '/timeline',
    then: `/timeline?at=${world.now_unix_ms}`,
    messages: '/messages',
    traces: '/traces',
    ...(trace ? { trace: `/traces/${trace.trace_id}` } : {}),
    boot: '/boot',
    booted: `/boot?node=${node.name}`,
    services: '/services',
    charts: '/charts',
    ...(metrics[0] ? { chart: `/charts?metric=${metrics[0].name}` } : {}),
    alerts: '/alerts',
    missing: '/nowhere',
  };
}
