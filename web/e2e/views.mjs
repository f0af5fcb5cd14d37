// Pages, addresses, filters, and what is live.

import { api, check, heading, query, someNode, until } from './check.mjs';
import { pagePaths } from './pages.mjs';

const SENT_MS = 45_000; // Nodes send their metrics twice a minute.

const framesOf = (drawing) => drawing.getAttribute('data-frames').then(Number);

export async function every_page_has_its_heading({ page, base, open }) {
  await open('/');
  for (const [name, path] of Object.entries(await pagePaths())) {
    await page.goto(base + path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await until(`${name} shows something`, async () => (await page.locator('main').innerText()).length > 20);
    const problems = await page.locator('.problem').allInnerTexts();
    check(problems.length === 0, `${name}: ${problems[0]}`);
  }
}

export async function the_token_leaves_the_address({ page, open, token }) {
  await open('/nodes');
  await heading(page, /Nodes/);
  check(!page.url().includes(token), `the token is still in ${page.url()}`);
  check((await page.evaluate(() => sessionStorage.getItem('grapevine.token'))) === token, 'the token is not kept');
  await page.reload();
  await heading(page, /Nodes/);
  const spawn = page.getByRole('button', { name: 'Spawn…' });
  await until('the tab still has its token', async () => (await spawn.getAttribute('aria-disabled')) === 'false');
}

export async function without_a_token_it_only_reads({ page, open }) {
  await open('/nodes', '');
  await page.locator('main').getByText('open the link that').waitFor();
  await page.getByRole('button', { name: 'Spawn…' }).click({ force: true });
  check((await page.locator('dialog').count()) === 0, 'a dialog opened without a token');
}

export async function topology_can_be_steered({ page, open, base }) {
  const node = await someNode();
  await open(`/topology?node=${node.id}`);
  await page.locator('.node-panel').getByText(node.name, { exact: true }).waitFor();
  const drawing = page.locator('.topology');
  await until('frames are drawn', async () => Number(await drawing.getAttribute('data-frames')) > 2);
  await drawing.focus();
  await page.keyboard.press('Escape');
  await until('Escape lets go', () => query(page, 'node') === null);
  await page.keyboard.press('ArrowRight');
  await until('an arrow selects', () => query(page, 'node') !== null);
  const first = query(page, 'node');
  for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp']) await page.keyboard.press(key);
  await until('arrows go on', () => query(page, 'node') !== null);
  await page.keyboard.press('+');
  await until('zoom is in the address', () => query(page, 'view') !== null);
  await page.getByRole('button', { name: 'Fit' }).click();
  await until('fit takes it out', () => query(page, 'view') === null);
  const box = await drawing.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.wheel(0, -400);
  await until('the wheel zooms', () => query(page, 'view') !== null);
  await page.goto(`${base}/topology?node=${first}`);
  await page.locator('.node-panel').waitFor();
  await page.getByRole('button', { name: 'Follow' }).click();
  await until('follow is in the address', () => query(page, 'follow') === '1');
  await drawing.focus();
  await page.keyboard.press('Enter');
  await until('Enter opens the node', () => page.url().includes('/nodes/'));
  await page.goBack();
  await page.locator('.node-panel').waitFor();
}

export async function a_node_is_found_by_the_pointer({ page, open }) {
  const node = await someNode();
  await open(`/topology?node=${node.id}&follow=1`);
  const drawing = page.locator('.topology');
  await page.locator('.node-panel').waitFor();
  const lane = page.locator('.lane').first();
  await until('it is in the middle', async () => {
    const [before, style] = [await framesOf(drawing), await lane.getAttribute('style')];
    await until('three frames more', async () => (await framesOf(drawing)) > before + 3);
    return style === (await lane.getAttribute('style'));
  });
  await drawing.focus();
  await page.keyboard.press('Escape');
  await until('nobody is selected', () => query(page, 'node') === null);
  const box = await drawing.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.locator('.tip').getByText(node.name, { exact: true }).waitFor();
  await page.mouse.down();
  await page.mouse.up();
  await until('a click selects it', () => query(page, 'node') === node.id);
}

async function settled(page, drawing) {
  await until('no frame is due', async () => {
    const before = await framesOf(drawing);
    await page.waitForTimeout(1_200); // Rows wait a second at most.
    return before === (await framesOf(drawing));
  });
}

const layers = (page) =>
  page.evaluate(() => ['edges', 'nodes'].map((name) => document.querySelector(`.sigma-${name}`).toDataURL()));

// Frames draw only what changed: that is the same picture, to the pixel, as if all of it were drawn.
export async function what_changed_is_drawn_as_in_the_whole({ page, open }) {
  await page.emulateMedia({ reducedMotion: 'reduce' }); // No flow, then.
  await page.addInitScript(() => {
    const add = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (kind, listener) {
      return add.call(this, kind, (event) => window.heldStill || listener(event));
    };
  });
  await open('/topology');
  const drawing = page.locator('.topology');
  await until('frames of changes are drawn', async () => (await framesOf(drawing)) > 9, 40_000);
  await page.evaluate(() => (window.heldStill = true));
  await settled(page, drawing);
  const inParts = await layers(page);
  await drawing.focus();
  for (const key of ['+', '0']) {
    const before = await framesOf(drawing);
    await page.keyboard.press(key);
    await until('the view is another', async () => (await framesOf(drawing)) > before);
  }
  await settled(page, drawing);
  const whole = await layers(page);
  ['links', 'nodes'].forEach((name, i) => check(inParts[i] === whole[i], `the layer of ${name} is another in parts`));
}

export async function every_link_that_is_drawn_is_one_of_the_world({ page, open }) {
  await open('/topology');
  const node = await until('a node with links', async () => {
    const world = await api('/api/world');
    return world.nodes.find((each) => world.links.some((link) => link.a === each.id));
  });
  await page.goto(`${page.url().split('?')[0]}?node=${node.id}`);
  await page.locator('.node-panel').waitFor();
  await until('the panel lists what the world says', async () => {
    const world = await api('/api/world');
    const name = (id) => world.nodes.find((each) => each.id === id)?.name ?? id.slice(0, 10);
    const said = world.links
      .filter((link) => link.a === node.id || link.b === node.id)
      .map((link) => name(link.a === node.id ? link.b : link.a))
      .sort();
    const shown = (await page.locator('.node-panel .links a').allInnerTexts()).map((text) => text.trim()).sort();
    return JSON.stringify(said) === JSON.stringify(shown);
  });
}

export async function filters_are_in_the_address({ page, open, base }) {
  const { nodes } = await api('/api/world');
  const brokers = nodes.filter((node) => node.type === 'broker').length;
  await open('/nodes');
  await heading(page, new RegExp(`Nodes ${nodes.length}`));
  await page.getByLabel('Type').selectOption('broker');
  await heading(page, new RegExp(`${brokers} of`));
  check(query(page, 'type') === 'broker', 'the type is not in the address');
  await page.getByLabel('Find').fill('no such node');
  await page.getByText('No node fits').waitFor();
  await page.goto(`${base}/nodes?type=broker&sort=-name`);
  const names = await until('rows', async () => {
    const all = await page.locator('tbody a').allInnerTexts();
    return all.length > 1 && all;
  });
  check(
    names.every((name) => name.includes('.broker.')),
    'the filter of the address does not hold',
  );
  check(names[0] > names[1], 'the order of the address does not hold');
  await page.getByRole('button', { name: /Name/ }).click();
  await until('a click sorts', () => query(page, 'sort') === 'name');
  await page.getByRole('button', { name: 'Cards' }).click();
  await page.locator('.card').first().waitFor();
}

export async function timeline_pauses_and_goes_back({ page, open, base }) {
  const { events } = await api('/api/timeline?limit=50');
  check(events.length > 0, 'nothing ever happened in this fabric');
  await open('/timeline');
  await page.locator('tbody tr').first().waitFor();
  await page.getByLabel('What').selectOption(events[0].kind);
  await until('only that kind', async () => {
    const kinds = await page.locator('tbody .badge').allInnerTexts();
    return kinds.length > 0 && kinds.every((text) => text.includes(events[0].kind.replaceAll('_', ' ')));
  });
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: /Go on/ }).waitFor();
  await page.goto(`${base}/timeline`);
  await page.locator('.moment').first().click();
  await page.locator('.then-stage .topology').waitFor();
  check(query(page, 'at') !== null, 'the moment is not in the address');
  await until(
    'the past is drawn',
    async () => Number(await page.locator('.then-stage .topology').getAttribute('data-frames')) > 0,
  );
  await page.getByRole('button', { name: 'To now' }).click();
  await until('back to now', () => query(page, 'at') === null);
  await page.locator('#moment').focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await until('the scrubber sets the moment', () => query(page, 'at') !== null);
}

const someTraces = () =>
  until('nodes send traces', async () => {
    const { traces } = await api('/api/traces?limit=20');
    return traces.length > 0 && traces;
  });

export async function a_trace_has_an_address({ page, open, base }) {
  const traces = await someTraces();
  await open('/traces');
  await page.locator('tbody a').first().waitFor();
  await page.getByLabel('Trace id').fill(traces[0].trace_id);
  await page.keyboard.press('Enter');
  await page.locator('.wf-row').first().waitFor();
  check(page.url().includes(traces[0].trace_id), 'the trace is not in the address');
  check((await page.locator('.wf-critical').count()) > 0, 'no critical path');
  await page.locator('.wf-row').first().click();
  await page.locator('.wf-detail').waitFor();
  const address = page.url();
  await page.goto('about:blank');
  await page.goto(address);
  await page.locator('.wf-detail').waitFor();
  await page.goto(`${base}/traces/zz`);
  await page.locator('.problem').getByText('zz').waitFor();
}

export async function a_trace_leads_to_jaeger_and_back({ page, open }) {
  const traces = await someTraces();
  const id = traces[0].trace_id;
  for (const [jaeger, links] of [
    ['http://127.0.0.1:16686/', 1],
    ['javascript:alert(1)', 0],
    [null, 0],
  ]) {
    await page.unroute('**/api/world');
    await page.route('**/api/world', async (route) =>
      route.fulfill({ json: { ...(await (await route.fetch()).json()), jaeger } }),
    );
    await open(`/traces/${id}`);
    await page.reload();
    await page.locator('.wf-row').first().waitFor();
    await page.locator('.fabric').getByText('live', { exact: true }).waitFor();
    const link = page.getByRole('link', { name: 'In Jaeger' });
    await until(`${links} links with ${jaeger}`, async () => (await link.count()) === links);
    if (links > 0) check((await link.getAttribute('href')) === `http://127.0.0.1:16686/trace/${id}`, 'a wrong link');
  }
  await open('/traces');
  await page.getByLabel('Trace id').fill(`http://127.0.0.1:16686/trace/${id.replace(/^0+/, '')}?uiFind=x`);
  await page.keyboard.press('Enter');
  await page.locator('.wf-row').first().waitFor();
  check(page.url().endsWith(id), `${page.url()} is not of ${id}`);
}

export async function a_chart_is_drawn({ page, open }) {
  const metrics = await until(
    'nodes send metrics',
    async () => {
      const said = await api('/api/metrics');
      return said.metrics.length > 0 && said.metrics;
    },
    SENT_MS,
  );
  await open(`/charts?metric=${metrics[0].name}`);
  await page.locator('.chart canvas').waitFor();
  await page.getByLabel('A line each').selectOption('mesh');
  await until(
    'grouped by mesh',
    async () => (await page.locator('.plain tbody tr').count()) >= 1 && query(page, 'by') === 'mesh',
  );
}

export async function a_lost_connection_is_said({ page, open, base }) {
  await open('/alerts');
  await page.locator('.fabric').getByText('live', { exact: true }).waitFor();
  await page.route('**/api/live*', (route) => route.abort());
  await page.reload();
  await page.getByText(/Stale since/).waitFor();
  await page.locator('.overall').waitFor();
  check(!(await page.locator('.overall').innerText()).includes('All is well'), 'called well without a connection');
  await page.unroute('**/api/live*');
  await page.getByText(/Stale since/).waitFor({ state: 'detached' });
  await page.goto(`${base}/nowhere`);
  await page.getByRole('heading', { name: 'Not found' }).waitFor();
}
