// Drives every page and action of the console in a headless Chromium; exits with 1 on the first part that fails, naming
// all that did.
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

const browser = await launch();
const failed = [];
for (const [name, part] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { context, page, problems } = await newPage(browser);
  page.setDefaultTimeout(15_000);
  const began = Date.now();
  try {
    await part({
      browser,
      page,
      base: BASE,
      token: TOKEN,
      open: (path, hash = `#token=${TOKEN}`) => page.goto(BASE + path + hash),
    });
    if (problems.length > 0) throw new Error(problems.join('\n  '));
    console.log(`ok      ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed.push(name);
    console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    if (process.env.E2E_SHOTS)
      await page.screenshot({ path: `${process.env.E2E_SHOTS}/failed-${name}.png` }).catch(() => undefined);
  }
  await context.close();
}
await browser.close();
if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
