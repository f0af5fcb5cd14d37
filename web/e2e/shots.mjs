// Takes pictures of every page, or of those that are named: node e2e/shots.mjs FOLDER [WIDTHxHEIGHT] [dark|light]
// [NAME=PATH...]
// Environment: GRAPEVINE_CONSOLE (base URL), GRAPEVINE_TOKEN, CHROMIUM.

import { BASE, TOKEN, launch, newPage } from './browser.mjs';
import { pagePaths } from './pages.mjs';

const [folder, size = '1280x800', scheme = 'dark', ...only] = process.argv.slice(2);
const [width, height] = size.split('x').map(Number);
const browser = await launch();
const { page, problems } = await newPage(browser, { width, height, scheme });
await page.goto(`${BASE}/#token=${TOKEN}`);
const named = only.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]);
for (const [name, path] of named.length > 0 ? named : Object.entries(await pagePaths())) {
  await page.goto(BASE + path);
  await page.waitForTimeout(Number(process.env.SHOT_WAIT_MS ?? 900));
  await page.screenshot({ path: `${folder}/${name}-${width}-${scheme}.png` });
}
await browser.close();
if (problems.length > 0) console.log(problems.join('\n'));
