// Sigma's program for links: strips with a pattern, bent or straight.

import { EdgeProgram, type ProgramInfo } from 'sigma/rendering';
import type { EdgeDisplayData, NodeDisplayData, RenderParams } from 'sigma/types';
import { pixelsAUnit } from './camera';
import type { Rgb } from './inks';
import type { Place } from './layout';
import { Painter, placed, type Layer, type View } from './layer';
import { pointOf } from './pick';
import { tilesUnder } from './tiles';
import { reserve, writeVertices } from './vertices';

export interface LinkLook {
  rgb: Rgb;
  alpha: number;
  width: number; // CSS pixels.
  pattern: number;
  flow: number; // CSS pixels a second.
  bend: Place; // The control point.
}

const VERTEX = `
attribute vec4 a_ends, a_color;
attribute vec2 a_bend, a_step;  // Step: part of the way, side.
attribute vec3 a_style;         // Width, pattern, speed of the flow.
uniform mat3 u_matrix;
uniform float u_ratio, u_zoom;  // Device pixels a CSS pixel, and a unit.
uniform float u_time;           // Seconds.
uniform vec2 u_size;
varying vec4 v_color;
varying vec3 v_line;            // Along in CSS pixels, across in device pixels, part of the way.
varying vec4 v_dash;            // A period in CSS pixels, its bright part, the rest's light; solid in the first half (1) or second (-1).
varying float v_half;           // Of the width, in device pixels.
vec4 dash(float kind) {
  if (kind < 0.5) return vec4(1.0, 1.0, 0.0, 0.0);    // solid
  if (kind < 1.5) return vec4(6.0, 2.0, 0.0, 0.0);    // dotted
  if (kind < 2.5) return vec4(11.0, 6.5, 0.0, 0.0);   // dashed
  if (kind < 3.5) return vec4(6.0, 2.0, 0.0, 1.0);    // solid, then dotted
  if (kind < 4.5) return vec4(6.0, 2.0, 0.0, -1.0);   // dotted, then solid
  return vec4(16.0, 7.0, 0.35, 0.0);                  // flowing
}
void main() {
  float t = a_step.x;
  vec2 a = a_ends.xy, b = a_ends.zw, c = a_bend;
  vec2 p = mix(mix(a, c, t), mix(c, b, t), t);
  vec2 along = mix(c - a, b - c, t);
  vec2 normal = normalize(vec2(-along.y, along.x) + 1e-6);
  float half_width = a_style.x * u_ratio * 0.5 + 0.5;
  v_color = a_color;
  v_half = half_width;
  v_dash = dash(a_style.y);
  float shift = a_style.y > 4.5 ? u_time * a_style.z : 0.0;
  v_line = vec3(t * distance(a, b) * u_zoom / u_ratio - shift, a_step.y * half_width, t);
  gl_Position = vec4((u_matrix * vec3(p, 1.0)).xy + normal * a_step.y * half_width * 2.0 / u_size, 0.0, 1.0);
}`;

const FRAGMENT = `
precision highp float;
varying vec4 v_color, v_dash;
varying vec3 v_line;
varying float v_half;
void main() {
  float cover = clamp(v_half - abs(v_line.y), 0.0, 1.0);
  float solid = step(0.001, v_dash.w * (0.5 - v_line.z));
  float bright = mix(v_dash.z, 1.0, max(solid, step(mod(v_line.x, v_dash.x), v_dash.y)));
  float alpha = v_color.a * cover * bright;
  gl_FragColor = vec4(v_color.rgb * alpha, alpha);
}`;

export const BENT = 12;
export const STRAIGHT = 1;

const FLOATS = 13; // Of a link, without its step.

// Two triangles a piece: part of the way, side.
function stepsOf(segments: number): [number, number][] {
  return Array.from({ length: segments }, (_, i): [number, number][] => {
    const [from, to] = [i / segments, (i + 1) / segments];
    return [
      [from, -1],
      [from, 1],
      [to, -1],
      [to, -1],
      [from, 1],
      [to, 1],
    ];
  }).flat();
}

// `segments` of each link; `seconds` is the time of the flow.
export function linkProgram(segments: number, seconds: () => number, layer: Layer) {
  const steps = stepsOf(segments);
  return class extends EdgeProgram<string> {
    private readonly painter = new Painter(this, layer, FLOATS, (array, from, view) =>
      tilesOfLink(array, from, view, segments),
    );

    getDefinition() {
      const { FLOAT, TRIANGLES } = WebGLRenderingContext;
      return {
        VERTICES: steps.length,
        VERTEX_SHADER_SOURCE: VERTEX,
        FRAGMENT_SHADER_SOURCE: FRAGMENT,
        METHOD: TRIANGLES,
        UNIFORMS: ['u_matrix', 'u_size', 'u_ratio', 'u_zoom', 'u_time'],
        ATTRIBUTES: [
          { name: 'a_ends', size: 4, type: FLOAT },
          { name: 'a_bend', size: 2, type: FLOAT },
          { name: 'a_color', size: 4, type: FLOAT },
          { name: 'a_style', size: 3, type: FLOAT },
          { name: 'a_step', size: 2, type: FLOAT },
        ],
      };
    }

    override reallocate(items: number): void {
      reserve(this, items, (room) => super.reallocate(room));
    }

    override render(params: RenderParams): void {
      this.painter.paint(() => super.render(params));
    }

    processVisibleItem(_id: number, at: number, a: NodeDisplayData, b: NodeDisplayData, data: EdgeDisplayData): void {
      const { rgb, alpha, width, pattern, flow, bend } = data as unknown as LinkLook;
      const line = [a.x, a.y, b.x, b.y, bend.x, bend.y, ...rgb, alpha, width, pattern, flow];
      writeVertices(this.array, at, line, steps);
    }

    setUniforms(params: RenderParams, { gl, uniformLocations }: ProgramInfo): void {
      const at = (name: string): WebGLUniformLocation | null => uniformLocations[name] ?? null;
      gl.uniformMatrix3fv(at('u_matrix'), false, params.matrix);
      gl.uniform2f(at('u_size'), params.width * params.pixelRatio, params.height * params.pixelRatio);
      gl.uniform1f(at('u_ratio'), params.pixelRatio);
      gl.uniform1f(at('u_zoom'), pixelsAUnit(params, params.zoomRatio) * params.pixelRatio);
      gl.uniform1f(at('u_time'), seconds() % 3600);
    }
  };
}

// Along the pieces that are drawn.
function tilesOfLink(array: Float32Array, from: number, view: View, pieces: number): number[] {
  const [ax = 0, ay = 0, bx = 0, by = 0, cx = 0, cy = 0] = array.subarray(from, from + 6);
  const [alpha = 0, width = 0] = array.subarray(from + 9, from + 11);
  if (alpha === 0 || width === 0) return [];
  const curve = { a: { x: ax, y: ay }, b: { x: bx, y: by }, bend: { x: cx, y: cy } };
  const points = Array.from({ length: pieces + 1 }, (_, i) => {
    const { x, y } = pointOf(curve, i / pieces);
    return placed(view, x, y);
  }).flat();
  return tilesUnder(points, (width * view.ratio) / 2 + 1, view.grid);
}
