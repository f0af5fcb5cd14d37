// Accessibility by axe in both themes, and nothing wider than the screen.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { check, until } from './check.mjs';
import { pagePaths } from './pages.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// How a page is looked at: all rules in one theme and size each, and those of colours in the other theme of that size.
const CONTRAST = { runOnly: ['color-contrast'] };
const LOOKS = [
  [1280, 800, 'dark', {}],
  [1280, 800, 'light', CONTRAST],
  [390, 844, 'light', {}],
  [390, 844, 'dark', CONTRAST],
];

async function violations(page, rules = {}) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  const result = await page.evaluate((which) => globalThis.axe.run(document, which), {
    resultTypes: ['violations'],
    ...rules,
  });
  return result.violations.map(
    (each) =>
      `${each.id}: ${each.nodes
        .slice(0, 3)
        .map((node) => `${node.target.join(' ')} (${node.failureSummary?.split('\n')[1]?.trim()})`)
        .join(', ')}`,
  );
}

async function wider(page) {
  const by = await page.evaluate(
    () =>
      Math.max(document.documentElement.scrollWidth, document.querySelector('main')?.scrollWidth ?? NaN) - innerWidth,
  );
  return by <= 0 ? [] : [`${by} px wider than the screen`];
}

// Every page, opened once, in both themes and as wide as a desk's and a phone's screen: axe has nothing to say, nothing
// is wider than the screen, and nothing was refused by the policy or asked of another host (`newPage` collects these).
export async function every_page_is_accessible_and_fits({ page, open, base, problems }) {
  await open('/');
  const wrong = [];
  for (const [name, path] of Object.entries(await pagePaths())) {
    await page.goto(base + path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await until(`${name} is filled`, async () => (await page.locator('main').innerText()).length > 20);
    for (const [width, height, scheme, rules] of LOOKS) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      const said = [...(await wider(page)), ...(await violations(page, rules))];
      wrong.push(...said.map((text) => `${name}, ${scheme}, ${width} px: ${text}`));
    }
  }
  wrong.push(...problems);
  check(wrong.length === 0, `\n  ${wrong.join('\n  ')}`);
}

export async function axe_in_dialogs({ page, open }) {
  await open('/nodes');
  const wrong = [];
  for (const name of ['Spawn…', 'Bootstrap…']) {
    await page.getByRole('button', { name }).click();
    await page.getByRole('dialog').waitFor();
    wrong.push(...(await violations(page)));
    await page.keyboard.press('Escape');
  }
  check(wrong.length === 0, `\n  ${wrong.join('\n  ')}`);
}

export async function nothing_comes_from_elsewhere({ open }) {
  const policy = (await open('/')).headers()['content-security-policy'] ?? '';
  for (const rule of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"])
    check(policy.includes(rule), `the policy lacks ${rule}: ${policy}`);
}

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

export async function something_is_painted({ page, open }) {
  await open('/');
  const first = await until('a first paint', () =>
    page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime),
  );
  return `first contentful paint after ${Math.round(first)} ms; a figure, not a test`;
}
