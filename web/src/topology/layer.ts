// One of the drawing's layers, of which each frame draws only the tiles that changed since the last one. Sigma's
// programs draw into it, each through a painter of its own.
//
// 1. What changed is found by comparing what a program is about to draw with what it has drawn: it does not matter how
//    sigma came to write it.
// 2. Another view, size or ink is another picture: all of it is drawn then.
// 3. The layer keeps what was drawn, and has a stencil: only what is due is drawn over.

import type { Program } from 'sigma/rendering';
import type { RenderParams } from 'sigma/types';
import { pixelsAUnit } from './camera';
import { TILE, gridOf, type Grid } from './tiles';

type Gl = WebGLRenderingContext | WebGL2RenderingContext;

// Where things are on the screen.
export interface View {
  matrix: ArrayLike<number>;
  width: number; // Device pixels.
  height: number;
  ratio: number; // Device pixels a CSS pixel.
  zoom: number; // CSS pixels a unit.
  grid: Grid;
}

export function viewOf(params: RenderParams): View {
  const { matrix, pixelRatio: ratio } = params;
  const [width, height] = [params.width * ratio, params.height * ratio];
  return { matrix, width, height, ratio, zoom: pixelsAUnit(params, params.zoomRatio), grid: gridOf(width, height) };
}

// As the vertex shaders place it.
export function placed({ matrix: m, width, height }: View, x: number, y: number): [number, number] {
  const along = (row: number): number => (m[row] ?? 0) * x + (m[row + 3] ?? 0) * y + (m[row + 6] ?? 0);
  return [((along(0) + 1) / 2) * width, ((along(1) + 1) / 2) * height];
}

export class Layer {
  due: Uint8Array | null = null; // A mark a tile of this frame; null is everything.

  private readonly painters: Painter[] = [];
  private whole = true;

  // The next frame draws everything.
  all(): void {
    this.whole = true;
  }

  join(painter: Painter): void {
    this.painters.push(painter);
  }

  // Before the programs draw: what this frame draws, and nothing of what was there.
  begin(gl: Gl, view: View): void {
    this.due = this.whole ? null : this.changes(view);
    this.whole = false;
    if (this.due && !this.due.includes(1)) return;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.disable(gl.STENCIL_TEST);
    gl.clearStencil(0);
    gl.clear(this.due ? gl.STENCIL_BUFFER_BIT : gl.COLOR_BUFFER_BIT);
    if (!this.due) return;
    gl.enable(gl.SCISSOR_TEST);
    gl.clearStencil(1);
    this.due.forEach((mark, tile) => {
      if (mark === 0) return;
      gl.scissor((tile % view.grid.columns) * TILE, Math.floor(tile / view.grid.columns) * TILE, TILE, TILE);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    });
    gl.disable(gl.SCISSOR_TEST);
    gl.enable(gl.STENCIL_TEST);
    gl.stencilFunc(gl.EQUAL, 1, 1);
  }

  private changes(view: View): Uint8Array {
    const due = new Uint8Array(view.grid.columns * view.grid.rows);
    for (const painter of this.painters) painter.changes(view, due);
    return due;
  }
}

// The tiles of the item that begins at an index.
export type TilesOf = (array: Float32Array, from: number, view: View) => readonly number[];

const NOWHERE: readonly number[] = [];

export class Painter {
  private drawn = new Float32Array(0); // The beginnings of the items, which tell them.
  private tiles: (readonly number[])[] | null = null; // Of what is drawn, in the last frame's view.

  // `floats` tell an item; sigma's programs have several copies of them.
  constructor(
    private readonly program: Program,
    private readonly layer: Layer,
    private readonly floats: number,
    private readonly tilesOf: TilesOf,
  ) {
    layer.join(this);
  }

  // Marks where what changed was, and where it is.
  changes(view: View, due: Uint8Array): void {
    const { program } = this;
    const { array, STRIDE } = program;
    this.tiles ??= this.allTiles(view);
    for (let item = 0; item < Math.max(this.tiles.length, program.capacity); item += 1) {
      if (this.same(array, item)) continue;
      for (const tile of this.tiles[item] ?? NOWHERE) due[tile] = 1;
      const now = item < program.capacity ? this.tilesOf(array, item * STRIDE, view) : NOWHERE;
      this.tiles[item] = now;
      for (const tile of now) due[tile] = 1;
    }
    this.tiles.length = program.capacity;
  }

  // `draw` draws all of the program's array.
  paint(draw: () => void): void {
    const { due } = this.layer;
    if (due && this.tiles) this.paintDue(due, this.tiles, draw);
    else draw();
    if (!due) this.tiles = null;
    this.remember();
  }

  private paintDue(due: Uint8Array, tiles: (readonly number[])[], draw: () => void): void {
    const { program } = this;
    const { array, capacity, verticesCount, STRIDE } = program;
    const items: number[] = [];
    tiles.forEach((under, item) => {
      if (under.some((tile) => due[tile] === 1)) items.push(item);
    });
    if (items.length === 0) return;
    program.array = new Float32Array(items.length * STRIDE);
    items.forEach((from, to) => program.array.set(array.subarray(from * STRIDE, (from + 1) * STRIDE), to * STRIDE));
    program.capacity = items.length;
    program.verticesCount = program.VERTICES * items.length;
    draw();
    Object.assign(program, { array, capacity, verticesCount });
  }

  private allTiles(view: View): (readonly number[])[] {
    const { drawn, floats } = this;
    return Array.from({ length: drawn.length / floats }, (_, item) => this.tilesOf(drawn, item * floats, view));
  }

  private same(array: Float32Array, item: number): boolean {
    const { drawn, floats, program } = this;
    const [from, was] = [item * program.STRIDE, item * floats];
    for (let i = 0; i < floats; i += 1) if ((array[from + i] ?? 0) !== (drawn[was + i] ?? 0)) return false;
    return true;
  }

  private remember(): void {
    const { floats, program } = this;
    const { array, capacity, STRIDE } = program;
    if (this.drawn.length !== capacity * floats) this.drawn = new Float32Array(capacity * floats);
    for (let item = 0; item < capacity; item += 1)
      for (let i = 0; i < floats; i += 1) this.drawn[item * floats + i] = array[item * STRIDE + i] ?? 0;
  }
}
