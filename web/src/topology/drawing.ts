// Sigma draws everything for each frame, and all of it once more for pointers. This one draws what changed (layer.ts),
// and knows nothing of pointers (pick.ts).

import type Graph from 'graphology-types';
import Sigma from 'sigma';
import type { Settings } from 'sigma/settings';
import { viewOf, type Layer } from './layer';

type ContextOptions = Parameters<Sigma['createWebGLContext']>[1];

export interface Layers {
  links: Layer;
  nodes: Layer;
}

const CANVASES = { links: 'edges', nodes: 'nodes' } as const;

export class Drawing extends Sigma {
  private seen = ''; // The view of the last frame.

  constructor(
    graph: Graph,
    box: HTMLElement,
    settings: Partial<Settings>,
    private readonly layers: Layers | undefined, // Sigma draws once before it is told of them.
  ) {
    super(graph, box, settings);
    this.on('resize', () => this.again()); // Which empties the layers.
  }

  // A layer keeps what was drawn into it, so that a part of it can be drawn anew.
  override createWebGLContext(id: string, options?: ContextOptions): WebGLRenderingContext {
    const kept = { ...options, picking: false, preserveDrawingBuffer: true, stencil: true };
    return super.createWebGLContext(id, kept);
  }

  // Sigma empties all layers before each frame.
  override clear(): this {
    if (!this.layers) return super.clear();
    const { x, y, ratio } = this.getCamera().getState();
    const seen = `${x},${y},${ratio}`;
    if (seen !== this.seen || this.getGraph().order === 0) this.again();
    this.seen = seen;
    const view = viewOf(this.getRenderParams());
    for (const name of ['links', 'nodes'] as const) {
      const canvas = this.getCanvases()[CANVASES[name]];
      const gl = canvas?.getContext('webgl2') ?? canvas?.getContext('webgl');
      if (gl) this.layers[name].begin(gl, view);
    }
    return this;
  }

  // All of both layers, with the next frame.
  again(): void {
    this.layers?.links.all();
    this.layers?.nodes.all();
  }
}
