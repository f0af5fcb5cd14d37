// Measures how smooth the topology is: node e2e/frames.mjs [SECONDS] [PATH] Prints frames a second, the slowest frames,
// and the page's own work in a second (tasks and scripts, by the browser's counters). In a headless browser without a
// GPU the drawing is done by the processor (SwiftShader, in the GPU process), which says little about a real screen; the
// page's own work is what carries over.

import { BASE, TOKEN, launch, newPage } from './browser.mjs';

const seconds = Number(process.argv[2] ?? 10);
const browser = await launch();
const { page } = await newPage(browser);
await page.goto(`${BASE}${process.argv[3] ?? '/topology'}#token=${TOKEN}`);
await page.locator('.topology, .grid').first().waitFor();
await page.waitForTimeout(2000);
const cdp = await page.context().newCDPSession(page);
await cdp.send('Performance.enable');
const whole = await browser.newBrowserCDPSession();
const processes = async () => {
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  const sum = (type) =>
    processInfo.filter((each) => each.type === type).reduce((total, { cpuTime }) => total + cpuTime, 0);
  return { gpu: sum('GPU'), renderer: sum('renderer'), browser: sum('browser') };
};
const figures = async () =>
  Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((each) => [each.name, each.value]));
const before = await figures();
const spentBefore = await processes();
const version = () => page.evaluate(async () => (await (await fetch('/api/world')).json()).version);
const first = await version();
const gaps = await page.evaluate(
  (ms) =>
    new Promise((resolve) => {
      const out = [];
      const drawn = () => Number(document.querySelector('.topology')?.dataset.frames ?? 0);
      const from = drawn();
      let last = performance.now();
      const began = last;
      const turn = (now) => {
        out.push(now - last);
        last = now;
        if (now - began < ms) requestAnimationFrame(turn);
        else resolve({ gaps: out, drawn: drawn() - from, heap: performance.memory?.usedJSHeapSize ?? 0 });
      };
      requestAnimationFrame(turn);
    }),
  seconds * 1000,
);
const after = await figures();
const spentAfter = await processes();
const versions = (await version()) - first;
const sorted = [...gaps.gaps].sort((a, b) => a - b);
const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(1);
const spent = (name) => (((after[name] - before[name]) * 1000) / seconds).toFixed(0);
console.log(
  `frames: ${(gaps.gaps.length / seconds).toFixed(1)}/s, drawn ${(gaps.drawn / seconds).toFixed(1)}/s; gaps ms p50 ${at(0.5)} p95 ${at(0.95)} p99 ${at(0.99)} max ${at(1)}`,
);
console.log(`deltas: ${(versions / seconds).toFixed(1)}/s`);
console.log(
  `work of the page: ${spent('TaskDuration')} ms/s, of it scripts ${spent('ScriptDuration')}, layout ${spent('LayoutDuration')}, styles ${spent('RecalcStyleDuration')}; heap ${(gaps.heap / 1e6).toFixed(1)} MB`,
);
const cpu = (type) => (((spentAfter[type] - spentBefore[type]) * 1000) / seconds).toFixed(0);
console.log(`processor: GPU process ${cpu('gpu')} ms/s, renderer ${cpu('renderer')}, browser ${cpu('browser')}`);
await browser.close();
