// What changes something: each is confirmed, seen to happen, and its errors are told beside it.

import { api, check, someNode, until } from './check.mjs';

const stateOf = async (id) => (await api('/api/world')).nodes.find((node) => node.id === id);

async function act(page, base, node, action) {
  await page.goto(`${base}/nodes/${node.id}`);
  await page.getByRole('button', { name: action, exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(node.name).first().waitFor();
  await dialog.getByRole('button', { name: action, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

export async function spawn_starts_nodes({ page, open }) {
  const before = (await api('/api/world')).nodes.length;
  await open('/nodes');
  await page.getByRole('button', { name: 'Spawn…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('How many').fill('2');
  await dialog.getByLabel('Type').selectOption('broker');
  await dialog.getByRole('button', { name: 'Spawn', exact: true }).click();
  await page.getByText(/Started 2 nodes/).waitFor({ timeout: 40_000 });
  await until('two more nodes', async () => (await api('/api/world')).nodes.length >= before + 2);
  await until('and the page knows', async () =>
    (await page.getByRole('heading', { level: 1 }).innerText()).includes(
      String((await api('/api/world')).nodes.length),
    ),
  );
}

export async function a_wrong_spawn_is_told_beside_its_field({ page, open }) {
  await open('/nodes');
  await page.getByRole('button', { name: 'Spawn…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Mesh').fill('No Mesh');
  await dialog.getByRole('button', { name: 'Spawn', exact: true }).click();
  await dialog.locator('.error').waitFor();
  check((await dialog.locator('.error').innerText()).length > 10, 'the error says nothing');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  check((await page.evaluate(() => document.activeElement?.textContent)) === 'Spawn…', 'the focus was not given back');
}

export async function bootstrap_twice_starts_nothing_more({ page, open }) {
  await open('/nodes');
  for (const expected of [/Started \d+ nodes?; /, /Started 0 nodes; \d+ were there/]) {
    await page.getByRole('button', { name: 'Bootstrap…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('One mesh a line').fill('nonsense');
    await dialog.getByRole('button', { name: 'Bootstrap', exact: true }).click();
    await dialog.locator('.error').waitFor();
    await dialog.getByLabel('One mesh a line').fill('mesh1 gateway=1 broker=1');
    await dialog.getByRole('button', { name: 'Bootstrap', exact: true }).click();
    await page.getByText(expected).waitFor({ timeout: 40_000 });
  }
}

export async function wedge_and_resume({ page, open, base }) {
  const node = await someNode((each) => each.type === 'broker');
  await open('/nodes');
  await act(page, base, node, 'Wedge');
  await until('it is wedged', async () => (await stateOf(node.id))?.process === 'wedged');
  await act(page, base, node, 'Resume');
  await until('it goes on', async () => (await stateOf(node.id))?.process === 'ready');
}

export async function restart_keeps_the_identity({ page, open, base }) {
  const node = await someNode((each) => each.type === 'broker');
  await open('/nodes');
  await act(page, base, node, 'Restart');
  await until(
    'it is back with its id, and younger',
    async () => {
      const now = await stateOf(node.id);
      return now?.state === 'member' && now.process === 'ready' && now.started_unix_ms > node.started_unix_ms;
    },
    40_000,
  );
}

export async function stop_drains({ page, open, base }) {
  const node = await someNode((each) => each.type === 'broker');
  await open('/nodes');
  await act(page, base, node, 'Stop');
  await until(
    'it left',
    async () => {
      const now = await stateOf(node.id);
      return !now || now.state === 'left' || now.process === 'ended';
    },
    40_000,
  );
}

export async function kill_shows_as_dead_when_the_survivors_say_so({ page, open, base }) {
  const node = await someNode((each) => each.type === 'broker');
  await open('/nodes');
  await act(page, base, node, 'Kill');
  await until(
    'its death is told',
    async () => {
      const { events } = await api(`/api/timeline?kind=died&node=${node.id}`);
      return events.some((event) => event.who.length > 0);
    },
    60_000,
  );
}

export async function a_refused_action_is_told_in_its_dialog({ page, open, base }) {
  const node = await someNode();
  await open('/nodes');
  await page.route('**/api/nodes/*/kill', (route) =>
    route.fulfill({
      status: 404,
      contentType: 'application/json',
      body: '{"error":{"code":"not_found","message":"ended before, by signal 9"}}',
    }),
  );
  await page.goto(`${base}/nodes/${node.id}`);
  await page.getByRole('button', { name: 'Kill', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Kill', exact: true }).click();
  await dialog.getByText('ended before, by signal 9').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  check((await stateOf(node.id)).state === 'member', 'it was killed all the same');
}
