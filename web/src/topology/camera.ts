// Which part of the layout is seen: its centre and the zoom.

import type { Layout, Place } from './layout';

export interface Camera {
  x: number;
  y: number;
  k: number;
}

export interface Size {
  width: number;
  height: number;
}

export const ZOOM_MIN = 0.1;
export const ZOOM_MAX = 8;

export function clampedZoom(k: number): number {
  return Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, k));
}

// Sigma's camera over a graph whose coordinates are ours, with y upwards: it knows the part of the smaller side that is
// seen.
export function pixelsAUnit(size: Size, ratio: number): number {
  return Math.min(size.width, size.height) / ratio;
}

export function stateOf(camera: Camera, size: Size): { x: number; y: number; ratio: number; angle: number } {
  return { x: camera.x, y: -camera.y, ratio: pixelsAUnit(size, camera.k), angle: 0 };
}

export function cameraIn(state: { x: number; y: number; ratio: number }, size: Size): Camera {
  return { x: state.x, y: -state.y, k: pixelsAUnit(size, state.ratio) };
}

export function toScreen(camera: Camera, size: Size, p: Place): Place {
  return { x: (p.x - camera.x) * camera.k + size.width / 2, y: (p.y - camera.y) * camera.k + size.height / 2 };
}

export function fromScreen(camera: Camera, size: Size, p: Place): Place {
  return { x: (p.x - size.width / 2) / camera.k + camera.x, y: (p.y - size.height / 2) / camera.k + camera.y };
}

// All of it, or, where that would be too small to read, its whole width from the top on.
export function fit(layout: Layout, size: Size): Camera {
  if (layout.width === 0 || layout.height === 0) return { x: 0, y: 0, k: 1 };
  const whole = Math.min(size.width / layout.width, size.height / (layout.height + 10), 1);
  if (whole >= 0.6)
    return {
      x: layout.width / 2,
      y: Math.min(layout.height + 10, Math.max(layout.height + 10, size.height / whole)) / 2,
      k: whole,
    };
  const k = Math.min(1, size.width / layout.width);
  return { x: layout.width / 2, y: size.height / 2 / k, k };
}

export function cameraText(camera: Camera): string {
  return `${Math.round(camera.x)},${Math.round(camera.y)},${Math.round(camera.k * 100) / 100}`;
}

export function cameraOf(text: string | null): Camera | null {
  const [x, y, k, ...more] = (text ?? '').split(',').map(Number);
  if (more.length > 0 || x === undefined || y === undefined || k === undefined) return null;
  if (![x, y, k].every(Number.isFinite) || k <= 0) return null;
  return { x, y, k: clampedZoom(k) };
}
