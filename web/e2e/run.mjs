// Drives every page and action of the console in a headless Chromium; prints a line a part, and exits with 1 if one
// failed, naming all that did.
//
//   node e2e/run.mjs [PART...]
//
// Environment: GRAPEVINE_CONSOLE (base URL), GRAPEVINE_TOKEN, CHROMIUM. The fabric needs two meshes and a supervisor;
// nodes are spawned, stopped and killed in it.

import { BASE, TOKEN, launch, newPage } from './browser.mjs';
import * as actions from './actions.mjs';
import * as looks from './looks.mjs';
import * as views from './views.mjs';

const parts = { ...views, ...actions, ...looks };
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}

const DEADLINE_MS = 235_000; // Of all of it: what hangs fails, and leaves no browser behind.

const browser = await launch();
const failed = [];
async function run(name, part) {
  const { context, page, problems } = await newPage(browser);
  page.setDefaultTimeout(15_000);
  const began = Date.now();
  try {
    const note = await part({
      page,
      problems,
      base: BASE,
      open: (path, hash = `#token=${TOKEN}`) => page.goto(BASE + path + hash),
      token: TOKEN,
    });
    if (problems.length > 0) throw new Error(problems.join('\n  '));
    console.log(`ok      ${name} (${((Date.now() - began) / 1000).toFixed(1)} s${note ? `; ${note}` : ''})`);
  } catch (error) {
    failed.push(name);
    console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    if (process.env.E2E_SHOTS)
      await page.screenshot({ path: `${process.env.E2E_SHOTS}/failed-${name}.png` }).catch(() => undefined);
  }
  await context.close();
}

async function all() {
  for (const [name, part] of Object.entries(parts))
    if (wanted.length === 0 || wanted.includes(name)) await run(name, part);
}

const late = new Promise((resolve) => setTimeout(resolve, DEADLINE_MS, 'late').unref());
if ((await Promise.race([all(), late])) === 'late') failed.push(`all of it within ${DEADLINE_MS / 1000} s`);
await browser.close();
console.log(failed.length > 0 ? `failed: ${failed.join(', ')}` : 'all parts passed');
process.exit(failed.length > 0 ? 1 : 0);
