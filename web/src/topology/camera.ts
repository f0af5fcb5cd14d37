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

export function toScreen(camera: Camera, size: Size, p: Place): Place {
  return { x: (p.x - camera.x) * camera.k + size.width / 2, y: (p.y - camera.y) * camera.k + size.height / 2 };
}

export function toWorld(camera: Camera, size: Size, p: Place): Place {
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

// Zooms so that what is under the pointer stays there.
export function zoomAt(camera: Camera, size: Size, at: Place, factor: number): Camera {
  const k = clampedZoom(camera.k * factor);
  const world = toWorld(camera, size, at);
  return { k, x: world.x - (at.x - size.width / 2) / k, y: world.y - (at.y - size.height / 2) / k };
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
