// Sigma's program for nodes: a signed distance field with a mark, so that a type has a shape and a state a mark.

import { NodeProgram, type ProgramInfo } from 'sigma/rendering';
import type { NodeDisplayData, RenderParams } from 'sigma/types';
import { pixelsAUnit } from './camera';
import type { Rgb } from './inks';
import { Painter, placed, type Layer, type View } from './layer';
import { tilesUnder } from './tiles';
import { reserve, writeVertices } from './vertices';

export interface NodeLook {
  x: number;
  y: number;
  size: number; // Radius in CSS pixels at zoom 1.
  shape: number;
  rgb: Rgb;
  lit: number; // 1, or less of what a filter leaves out.
  mark: number;
  load: number; // Part of the budget; below 0: there is none.
  traffic: number; // 0 to 1.
  ring: number; // 0, 1 hovered, 2 selected.
}

export interface Inks {
  ground: Rgb;
  text: Rgb;
  muted: Rgb;
  warn: Rgb;
  bad: Rgb;
}

// Nodes grow with the zoom, but not without end.
export function nodeScale(k: number): number {
  return Math.min(k, 1.8);
}

const VERTEX = `
attribute vec4 a_place, a_color, a_look;  // Place: where, radius, shape. Look: mark, load, traffic, ring.
attribute vec2 a_corner;
uniform mat3 u_matrix;
uniform vec2 u_size;                            // The view in device pixels.
uniform float u_scale, u_ratio;                 // Of radii; device pixels a CSS pixel.
varying vec2 v_at, v_shape;                     // Radius in device pixels, shape.
varying vec4 v_color, v_look;
void main() {
  float radius = a_place.z * u_scale * u_ratio;
  // No larger than what is drawn around this one: a thousand quads cost by their area.
  bool plain = a_look.x < 0.5 && a_look.z < 0.12 && a_look.w < 0.5;
  bool loaded = a_look.y >= (radius < 7.0 * u_ratio ? 0.9 : 0.0);
  float reach = radius * (!plain ? 2.3 : loaded ? 1.5 : 1.25) + 2.0 * u_ratio;
  v_color = a_color;
  v_at = a_corner * reach;
  v_look = a_look;
  v_shape = vec2(radius, a_place.w);
  gl_Position = vec4((u_matrix * vec3(a_place.xy, 1.0)).xy + v_at * 2.0 / u_size, 0.0, 1.0);
}`;

const FRAGMENT = `
precision highp float;
varying vec2 v_at, v_shape;
varying vec4 v_color, v_look;
uniform float u_ratio;
uniform vec3 u_ground, u_text, u_muted, u_warn, u_bad;
// How far out of the shape, in radii: of a polygon, how far beyond the side that is passed by most.
float shape(vec2 p, float kind) {
  if (kind < 0.5) return length(p) - 1.0;
  if (kind < 1.5) { vec2 q = abs(p) - 0.68; return length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - 0.2; }
  if (kind < 2.5) return (abs(p.x) + abs(p.y) - 1.22) * 0.7071;
  vec2 q = vec2(abs(p.x), kind < 4.5 ? -p.y - 0.18 : -p.y);
  if (kind < 3.5) return max(q.x, 0.5 * q.x + 0.866 * abs(p.y)) - 0.92;
  if (kind < 4.5) return max(q.y, 0.866 * q.x - 0.5 * q.y) - 0.66;
  return max(q.y, max(0.951 * q.x + 0.309 * q.y, 0.588 * q.x - 0.809 * q.y)) - 0.86;
}
// The colour over what is there, both premultiplied.
void over(inout vec4 under, vec3 color, float alpha) { under = vec4(color, 1.0) * alpha + under * (1.0 - alpha); }
void main() {
  float radius = v_shape.x, px = u_ratio;
  vec2 p = v_at;
  float far = length(p), angle = atan(p.x, p.y);
  float d = shape(p / radius, v_shape.y) * radius;
  float mark = v_look.x, dim = v_color.a;
  vec4 c = vec4(0.0);
  float halo = (v_look.z < 0.12 ? 0.0 : v_look.z) * 0.45 * (1.0 - smoothstep(radius * 0.9, radius * 2.2, far));
  over(c, v_color.rgb, halo);
  vec3 alarm = mark < 1.5 || mark > 4.5 ? u_warn : u_bad;
  bool alarming = (mark > 0.5 && mark < 2.5) || (mark > 4.5 && mark < 5.5);
  if (alarming && radius < 9.0 * px) over(c, alarm, 0.75 * (1.0 - smoothstep(radius * 1.2, radius * 2.2, far)));
  float inside = clamp(0.5 - d, 0.0, 1.0);
  float edge = clamp(1.1 * px + 0.5 - abs(d + 1.1 * px), 0.0, 1.0);
  bool hollow = mark > 1.5 && mark < 4.5;
  over(c, u_ground, clamp(0.5 - d + 1.5 * px, 0.0, 1.0));
  if (!hollow) {
    float fill = inside;
    if (mark > 4.5 && mark < 5.5)
      fill *= 1.0 - step(abs(abs(p.x) - 0.3 * radius), 0.13 * radius) * step(abs(p.y), 0.5 * radius);
    if (mark > 5.5) fill *= step(p.y, 0.0);
    over(c, v_color.rgb, fill);
    if (mark > 5.5) over(c, v_color.rgb, edge);
  } else {
    vec3 line = mark < 2.5 ? u_bad : u_muted;
    float gaps = mark > 3.5 ? step(mod(angle, 0.7), 0.42) : 1.0;
    over(c, v_color.rgb, inside * 0.22);
    over(c, line, edge * gaps);
    if (mark < 2.5) {
      float cross_at = min(abs(p.x - p.y), abs(p.x + p.y)) * 0.7071;
      over(c, line, clamp(1.2 * px + 0.5 - cross_at, 0.0, 1.0) * step(far, radius * 0.62));
    } else if (mark > 3.5) {
      over(c, line, clamp(0.22 * radius + 0.5 - far, 0.0, 1.0));
    }
  }
  if (mark > 0.5 && mark < 1.5) {
    float ring = clamp(1.3 * px + 0.5 - abs(far - radius * 1.75), 0.0, 1.0);
    over(c, u_warn, ring * step(mod(angle, 0.785), 0.5));
  }
  bool small = radius < 7.0 * px;  // Then only what is near its budget has a ring.
  if (v_look.y >= (small ? 0.9 : 0.0)) {
    float ring = clamp(1.0 * px + 0.5 - abs(far - radius * 1.38), 0.0, 1.0);
    float turn = (angle < 0.0 ? angle + 6.2831853 : angle) / 6.2831853;
    vec3 tint = v_look.y > 1.0 ? u_bad : v_look.y > 0.9 ? u_warn : v_color.rgb;
    over(c, tint, ring * (turn <= min(v_look.y, 1.0) ? 0.95 : 0.16));
  }
  if (v_look.w > 0.5) {
    float wide = v_look.w > 1.5 ? 1.4 : 0.9;
    over(c, u_text, clamp(wide * px + 0.5 - abs(far - radius * 2.05), 0.0, 1.0));
  }
  gl_FragColor = c * dim;
}`;

const INKS = ['ground', 'text', 'muted', 'warn', 'bad'] as const;

// Two triangles.
const CORNERS = [
  [-1, -1],
  [1, -1],
  [-1, 1],
  [-1, 1],
  [1, -1],
  [1, 1],
] as const;

const FLOATS = 12; // Of a node, without its corner.

// `inks` is asked at each frame, since the reader may change the colours.
export function nodeProgram(inks: () => Inks, layer: Layer) {
  return class extends NodeProgram<string> {
    private readonly painter = new Painter(this, layer, FLOATS, tilesOfNode);

    getDefinition() {
      const { FLOAT, TRIANGLES } = WebGLRenderingContext;
      return {
        VERTICES: CORNERS.length,
        VERTEX_SHADER_SOURCE: VERTEX,
        FRAGMENT_SHADER_SOURCE: FRAGMENT,
        METHOD: TRIANGLES,
        UNIFORMS: ['u_matrix', 'u_size', 'u_scale', 'u_ratio', ...INKS.map((name) => `u_${name}`)],
        ATTRIBUTES: [
          { name: 'a_place', size: 4, type: FLOAT },
          { name: 'a_color', size: 4, type: FLOAT },
          { name: 'a_look', size: 4, type: FLOAT },
          { name: 'a_corner', size: 2, type: FLOAT },
        ],
      };
    }

    override reallocate(items: number): void {
      reserve(this, items, (room) => super.reallocate(room));
    }

    override render(params: RenderParams): void {
      this.painter.paint(() => super.render(params));
    }

    processVisibleItem(_id: number, at: number, data: NodeDisplayData): void {
      const { x, y, size, shape, rgb, lit, mark, load, traffic, ring } = data as unknown as NodeLook;
      writeVertices(this.array, at, [x, y, size, shape, ...rgb, lit, mark, load, traffic, ring], CORNERS);
    }

    setUniforms(params: RenderParams, { gl, uniformLocations }: ProgramInfo): void {
      const at = (name: string): WebGLUniformLocation | null => uniformLocations[name] ?? null;
      gl.uniformMatrix3fv(at('u_matrix'), false, params.matrix);
      gl.uniform2f(at('u_size'), params.width * params.pixelRatio, params.height * params.pixelRatio);
      gl.uniform1f(at('u_scale'), nodeScale(pixelsAUnit(params, params.zoomRatio)));
      gl.uniform1f(at('u_ratio'), params.pixelRatio);
      for (const name of INKS) gl.uniform3f(at(`u_${name}`), ...inks()[name]);
    }
  };
}

// With all that may be drawn around a node.
function tilesOfNode(array: Float32Array, from: number, view: View): number[] {
  const [x = 0, y = 0, radius = 0] = array.subarray(from, from + 3);
  if (radius === 0) return [];
  const reach = (radius * nodeScale(view.zoom) * 2.3 + 2) * view.ratio;
  return tilesUnder(placed(view, x, y), reach, view.grid);
}
