// A headless Chromium on the console, with every error of the page collected.

import { chromium } from 'playwright-core';

export const BASE = process.env.GRAPEVINE_CONSOLE ?? 'http://127.0.0.1:19191';
export const TOKEN = process.env.GRAPEVINE_TOKEN ?? 'test-token';

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--enable-unsafe-swiftshader'], // WebGL by the processor, where there is no GPU.
  });
}

export async function newPage(browser, { width = 1280, height = 800, scheme = 'dark', touch = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, hasTouch: touch });
  const page = await context.newPage();
  const problems = [];
  await page.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI}`),
    ),
  );
  page.on('pageerror', (error) => problems.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (4|5)\d\d|ERR_FAILED/.test(message.text()))
      problems.push(`console: ${message.text()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && !response.url().includes('/api/'))
      problems.push(`${response.status()} ${response.url()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(BASE) && !request.url().startsWith('data:'))
      problems.push(`a request to elsewhere: ${request.url()}`);
  });
  return { context, page, problems };
}

export async function open({ path = '/', ...rest }) {
  const browser = await launch();
  const { page, problems } = await newPage(browser, rest);
  await page.goto(`${BASE}${path}#token=${TOKEN}`);
  return { browser, page, problems };
}
