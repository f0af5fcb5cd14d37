// Accessibility by axe in both themes, and nothing wider than the screen.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { BASE, TOKEN, newPage } from './browser.mjs';
import { check, until } from './check.mjs';
import { pagePaths } from './pages.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function violations(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return result.violations.map(
    (each) =>
      `${each.id}: ${each.nodes
        .slice(0, 3)
        .map((node) => `${node.target.join(' ')} (${node.failureSummary?.split('\n')[1]?.trim()})`)
        .join(', ')}`,
  );
}

async function everywhere(browser, options, visit) {
  const { context, page } = await newPage(browser, options);
  await page.goto(`${BASE}/#token=${TOKEN}`);
  const wrong = [];
  for (const [name, path] of Object.entries(await pagePaths())) {
    await page.goto(BASE + path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await until(`${name} is filled`, async () => (await page.locator('main').innerText()).length > 20);
    await page.waitForLoadState('networkidle', { timeout: 700 }).catch(() => undefined);
    wrong.push(...(await visit(page)).map((text) => `${name}: ${text}`));
  }
  await context.close();
  check(wrong.length === 0, `\n  ${wrong.join('\n  ')}`);
}

export const axe_in_the_dark = ({ browser }) => everywhere(browser, { scheme: 'dark' }, violations);
export const axe_in_the_light = ({ browser }) => everywhere(browser, { scheme: 'light' }, violations);
export const axe_on_a_phone = ({ browser }) =>
  everywhere(browser, { scheme: 'dark', width: 390, height: 844, touch: true }, violations);

export async function axe_in_dialogs({ browser }) {
  const { context, page } = await newPage(browser);
  await page.goto(`${BASE}/nodes#token=${TOKEN}`);
  const wrong = [];
  for (const name of ['Spawn…', 'Bootstrap…']) {
    await page.getByRole('button', { name }).click();
    await page.getByRole('dialog').waitFor();
    wrong.push(...(await violations(page)));
    await page.keyboard.press('Escape');
  }
  await context.close();
  check(wrong.length === 0, `\n  ${wrong.join('\n  ')}`);
}

export const nothing_is_wider_than_the_screen = async ({ browser }) => {
  for (const width of [390, 768, 1280]) {
    await everywhere(browser, { width, height: 800 }, async (page) => {
      const wide = await page.evaluate(
        () => Math.max(document.documentElement.scrollWidth, document.querySelector('main').scrollWidth) - innerWidth,
      );
      return wide > 0 ? [`${wide} px wider than ${width}`] : [];
    });
  }
};

export async function the_theme_can_be_chosen({ page, open }) {
  await open('/');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.getByLabel('Colours').selectOption('light');
  check((await ground()) === 'rgb(246, 248, 250)', `light is ${await ground()}`);
  await page.reload();
  await page.getByLabel('Colours').waitFor();
  check((await ground()) === 'rgb(246, 248, 250)', 'the choice was forgotten');
  await page.getByLabel('Colours').selectOption('dark');
  check((await ground()) === 'rgb(13, 17, 23)', `dark is ${await ground()}`);
}

export async function paint_comes_within_a_second({ page, open }) {
  await open('/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  const first = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  console.log(`        first contentful paint after ${Math.round(first)} ms (a figure, not a test: machines differ)`);
  check(first > 0, 'nothing was painted');
}
