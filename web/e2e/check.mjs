// What the parts share: asking the server, and waiting for a condition instead of a time.

import { BASE } from './browser.mjs';

export function check(condition, message) {
  if (!condition) throw new Error(message);
}

export async function api(path) {
  const response = await fetch(BASE + path);
  check(response.ok, `${path}: ${response.status}`);
  return response.json();
}

export async function until(what, condition, deadlineMs = 15_000) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    check(Date.now() < end, `not within ${deadlineMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const heading = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor();
export const query = (page, name) => new URL(page.url()).searchParams.get(name);

// A node that runs here and that the console is not itself.
export async function someNode(fits = () => true) {
  const world = await api('/api/world');
  const node = world.nodes.find(
    (each) => each.here && each.state === 'member' && each.id !== world.self && each.process === 'ready' && fits(each),
  );
  check(node, 'the fabric has no such node');
  return node;
}
