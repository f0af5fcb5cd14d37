// The style sheet's colours as numbers for the renderer.

import { typeVariable } from './looks';
import type { Inks } from './nodeProgram';

export type Rgb = [number, number, number];

export function rgbOf(text: string): Rgb {
  const hex = /^#([0-9a-f]{6})$/i.exec(text.trim())?.[1];
  if (!hex) return [0.5, 0.5, 0.5];
  const value = parseInt(hex, 16);
  return [((value >> 16) & 255) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

export interface Palette extends Inks {
  accent: Rgb;
  link: Rgb;
  typed: (type: string) => Rgb;
  css: (name: string) => string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const css = (name: string): string => style.getPropertyValue(name).trim();
  const of = (name: string): Rgb => rgbOf(css(name));
  const types = new Map<string, Rgb>();
  return {
    ground: of('--panel'),
    text: of('--text'),
    muted: of('--muted'),
    warn: of('--mark-warn'),
    bad: of('--bad'),
    accent: of('--accent'),
    link: of('--link'),
    typed: (type) => {
      const known = types.get(type);
      if (known) return known;
      const found = of(typeVariable(type));
      types.set(type, found);
      return found;
    },
    css,
  };
}
