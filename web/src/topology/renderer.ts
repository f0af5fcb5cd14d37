// Draws instances that the scene wrote. Knows WebGL, and nothing of nodes or links.

import { LINK_FRAGMENT, LINK_VERTEX, NODE_FRAGMENT, NODE_VERTEX, SEGMENTS } from './shaders';
import type { Camera, Size } from './camera';

export const NODE_FLOATS = 12;
export const LINK_FLOATS = 13;

export type Rgb = [number, number, number];

export interface Inks {
  ground: Rgb;
  text: Rgb;
  muted: Rgb;
  warn: Rgb;
  bad: Rgb;
}

interface Batch {
  program: WebGLProgram;
  buffer: WebGLBuffer;
  array: WebGLVertexArrayObject;
  uniforms: Map<string, WebGLUniformLocation | null>;
  count: number;
}

export class Renderer {
  private readonly links: Batch;
  private readonly nodes: Batch;

  // Null where the browser has no WebGL 2.
  static on(canvas: HTMLCanvasElement): Renderer | null {
    const gl = canvas.getContext('webgl2', {
      alpha: true,
      antialias: false,
      premultipliedAlpha: true,
      powerPreference: 'low-power',
    });
    return gl ? new Renderer(gl) : null;
  }

  private constructor(private readonly gl: WebGL2RenderingContext) {
    this.links = this.batch(LINK_VERTEX, LINK_FRAGMENT, [4, 2, 4, 3]);
    this.nodes = this.batch(NODE_VERTEX, NODE_FRAGMENT, [4, 4, 4]);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  setLinks(data: Float32Array, count: number): void {
    this.fill(this.links, data, count * LINK_FLOATS);
    this.links.count = count;
  }

  setNodes(data: Float32Array, count: number): void {
    this.fill(this.nodes, data, count * NODE_FLOATS);
    this.nodes.count = count;
  }

  draw(camera: Camera, size: Size, ratio: number, seconds: number, inks: Inks): void {
    const gl = this.gl;
    gl.viewport(0, 0, Math.round(size.width * ratio), Math.round(size.height * ratio));
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const segments = this.links.count > 1500 ? 4 : SEGMENTS;
    this.use(this.links, camera, size, ratio, seconds);
    gl.uniform1f(this.at(this.links, 'u_segments'), segments);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 2 * (segments + 1), this.links.count);
    this.use(this.nodes, camera, size, ratio, seconds);
    gl.uniform1f(this.at(this.nodes, 'u_scale'), nodeScale(camera.k));
    for (const name of ['ground', 'text', 'muted', 'warn', 'bad'] as const)
      gl.uniform3f(this.at(this.nodes, `u_${name}`), ...inks[name]);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.nodes.count);
  }

  dispose(): void {
    for (const batch of [this.links, this.nodes]) {
      this.gl.deleteBuffer(batch.buffer);
      this.gl.deleteVertexArray(batch.array);
      this.gl.deleteProgram(batch.program);
    }
  }

  private use(batch: Batch, camera: Camera, size: Size, ratio: number, seconds: number): void {
    const gl = this.gl;
    gl.useProgram(batch.program);
    gl.bindVertexArray(batch.array);
    gl.uniform2f(this.at(batch, 'u_size'), size.width * ratio, size.height * ratio);
    gl.uniform3f(this.at(batch, 'u_camera'), camera.x, camera.y, camera.k * ratio);
    gl.uniform1f(this.at(batch, 'u_ratio'), ratio);
    gl.uniform1f(this.at(batch, 'u_time'), seconds % 3600);
  }

  private at(batch: Batch, name: string): WebGLUniformLocation | null {
    const known = batch.uniforms.get(name);
    if (known !== undefined) return known;
    const found = this.gl.getUniformLocation(batch.program, name);
    batch.uniforms.set(name, found);
    return found;
  }

  private fill(batch: Batch, data: Float32Array, floats: number): void {
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, batch.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data.subarray(0, floats), gl.DYNAMIC_DRAW);
  }

  private batch(vertex: string, fragment: string, sizes: number[]): Batch {
    const gl = this.gl;
    const program = gl.createProgram();
    for (const [kind, text] of [
      [gl.VERTEX_SHADER, vertex],
      [gl.FRAGMENT_SHADER, fragment],
    ] as const) {
      const shader = gl.createShader(kind);
      if (!shader) throw new Error('the browser made no shader');
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? 'shader');
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? 'program');
    const buffer = gl.createBuffer();
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    const stride = sizes.reduce((sum, size) => sum + size, 0) * 4;
    let offset = 0;
    sizes.forEach((size, location) => {
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, size, gl.FLOAT, false, stride, offset);
      gl.vertexAttribDivisor(location, 1);
      offset += size * 4;
    });
    return { program, buffer, array, uniforms: new Map(), count: 0 };
  }
}

// Nodes grow with the zoom, but not without end.
export function nodeScale(k: number): number {
  return Math.min(k, 1.8);
}
