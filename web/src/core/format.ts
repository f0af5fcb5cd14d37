// Numbers, times and names for people.

export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 0) ms = 0;
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${Math.floor(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// An age in whole seconds, so that it does not flicker.
export function age(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  return ms < 1000 ? '0 s' : duration(Math.floor(ms / 1000) * 1000).replace(/\.\d+ s/, ' s');
}

export function microseconds(us: number): string {
  return duration(us / 1000);
}

export function nanoseconds(ns: number): string {
  return duration(ns / 1e6);
}

export function kib(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value < 1024) return `${Math.round(value)} KiB`;
  const mib = value / 1024;
  if (mib < 1024) return `${mib < 10 ? mib.toFixed(1) : Math.round(mib)} MiB`;
  return `${(mib / 1024).toFixed(1)} GiB`;
}

// What is used of a budget, in one unit: `549 / 1600 m`.
export function ofBudget(used: number, budget: number, unit: (value: number) => string): string {
  if (budget <= 0) return unit(used);
  const [a = '', unitA] = unit(used).split(' ');
  const [b, unitB] = unit(budget).split(' ');
  return unitA === unitB ? `${a} / ${b} ${unitB}` : `${unit(used)} / ${unit(budget)}`;
}

export function bytes(value: number): string {
  return value < 1024 ? `${Math.round(value)} B` : kib(value / 1024);
}

export function millicores(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value < 10_000 ? `${Math.round(value)} m` : `${(value / 1000).toFixed(1)} cores`;
}

export function count(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size < 10 && !Number.isInteger(value)) return value.toFixed(2);
  if (size < 1000 && !Number.isInteger(value)) return value.toFixed(1);
  if (size < 10_000) return String(Math.round(value));
  if (size < 1e6) return `${(value / 1e3).toFixed(1)} k`;
  if (size < 1e9) return `${(value / 1e6).toFixed(1)} M`;
  return `${(value / 1e9).toFixed(1)} G`;
}

export function perSecond(value: number): string {
  return `${count(value < 10 ? Math.round(value * 10) / 10 : Math.round(value))}/s`;
}

export function clock(unixMs: number): string {
  const date = new Date(unixMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function clockMs(unixMs: number): string {
  return `${clock(unixMs)}.${String(new Date(unixMs).getMilliseconds()).padStart(3, '0')}`;
}

export function dateAndClock(unixMs: number): string {
  const date = new Date(unixMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(unixMs)}`;
}

export function shortId(id: string): string {
  return id.slice(0, 10);
}

// A node's name without its mesh, where the mesh is already said.
export function inMesh(name: string, mesh: string): string {
  return name.startsWith(`${mesh}.`) ? name.slice(mesh.length + 1) : name;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
