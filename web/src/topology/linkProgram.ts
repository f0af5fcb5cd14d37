// Sigma's program for links: strips with a pattern, bent or straight.

import { EdgeProgram, type ProgramInfo } from 'sigma/rendering';
import type { EdgeDisplayData, NodeDisplayData, RenderParams } from 'sigma/types';
import { pixelsAUnit } from './camera';
import type { Rgb } from './inks';
import type { Place } from './layout';

export interface LinkLook {
  rgb: Rgb;
  alpha: number;
  width: number; // CSS pixels.
  pattern: number;
  flow: number; // CSS pixels a second.
  bend: Place; // The control point.
}

const HIT_PX = 6;

const VERTEX = `
attribute vec4 a_id, a_ends, a_color;
attribute vec2 a_bend, a_step;  // Step: part of the way, side.
attribute vec3 a_style;         // Width, pattern, speed of the flow.
uniform mat3 u_matrix;
uniform float u_ratio, u_zoom;  // Device pixels a CSS pixel, and a unit.
uniform vec2 u_size;
varying vec4 v_color;
varying vec3 v_line, v_style;   // Along in CSS pixels, across in device pixels, part of the way.
void main() {
  float t = a_step.x;
  vec2 a = a_ends.xy, b = a_ends.zw, c = a_bend;
  vec2 p = mix(mix(a, c, t), mix(c, b, t), t);
  vec2 along = mix(c - a, b - c, t);
  vec2 normal = normalize(vec2(-along.y, along.x) + 1e-6);
#ifdef PICKING_MODE
  float half_width = ${HIT_PX}.0 * u_ratio;
  v_color = a_id;
  v_color.a *= 255.0 / 254.0;
#else
  float half_width = a_style.x * u_ratio * 0.5 + 1.0;
  v_color = a_color;
#endif
  v_style = a_style;
  v_line = vec3(t * distance(a, b) * u_zoom / u_ratio, a_step.y * half_width, t);
  gl_Position = vec4((u_matrix * vec3(p, 1.0)).xy + normal * a_step.y * half_width * 2.0 / u_size, 0.0, 1.0);
}`;

const FRAGMENT = `
precision highp float;
varying vec4 v_color;
varying vec3 v_line, v_style;
uniform float u_ratio, u_time;
float pattern(float kind, float along, float part) {
  if (kind < 0.5) return 1.0;                                                            // solid
  if (kind < 1.5) return step(mod(along, 6.0), 2.0);                                     // dotted
  if (kind < 2.5) return step(mod(along, 11.0), 6.5);                                    // dashed
  if (kind < 3.5) return part < 0.5 ? 1.0 : step(mod(along, 6.0), 2.0);                  // solid, then dotted
  if (kind < 4.5) return part > 0.5 ? 1.0 : step(mod(along, 6.0), 2.0);                  // dotted, then solid
  return mix(0.35, 1.0, step(mod(along - u_time * v_style.z, 16.0), 7.0));               // flowing
}
void main() {
#ifdef PICKING_MODE
  gl_FragColor = v_color;
#else
  float cover = clamp(v_style.x * u_ratio * 0.5 + 0.5 - abs(v_line.y), 0.0, 1.0);
  float alpha = v_color.a * cover * pattern(v_style.y, v_line.x, v_line.z);
  gl_FragColor = vec4(v_color.rgb * alpha, alpha);
#endif
}`;

export const BENT = 12;
export const STRAIGHT = 1;

// `segments` of each link; `seconds` is the time of the flow.
export function linkProgram(segments: number, seconds: () => number, pointed: () => boolean) {
  return class extends EdgeProgram<string> {
    getDefinition() {
      const { FLOAT, UNSIGNED_BYTE, TRIANGLE_STRIP } = WebGLRenderingContext;
      return {
        VERTICES: 2 * (segments + 1),
        VERTEX_SHADER_SOURCE: VERTEX,
        FRAGMENT_SHADER_SOURCE: FRAGMENT,
        METHOD: TRIANGLE_STRIP,
        UNIFORMS: ['u_matrix', 'u_size', 'u_ratio', 'u_zoom', 'u_time'],
        ATTRIBUTES: [
          { name: 'a_ends', size: 4, type: FLOAT },
          { name: 'a_bend', size: 2, type: FLOAT },
          { name: 'a_color', size: 4, type: FLOAT },
          { name: 'a_style', size: 3, type: FLOAT },
          { name: 'a_id', size: 4, type: UNSIGNED_BYTE, normalized: true },
        ],
        CONSTANT_ATTRIBUTES: [{ name: 'a_step', size: 2, type: FLOAT }],
        CONSTANT_DATA: Array.from({ length: 2 * (segments + 1) }, (_, i) => [
          Math.floor(i / 2) / segments,
          i % 2 === 0 ? -1 : 1,
        ]),
      };
    }

    // As of nodes.
    override render(params: RenderParams): void {
      const { pickProgram } = this;
      if (!pointed()) this.pickProgram = null;
      super.render(params);
      this.pickProgram = pickProgram;
    }

    processVisibleItem(id: number, at: number, a: NodeDisplayData, b: NodeDisplayData, data: EdgeDisplayData): void {
      const { rgb, alpha, width, pattern, flow, bend } = data as unknown as LinkLook;
      this.array.set([a.x, a.y, b.x, b.y, bend.x, bend.y, ...rgb, alpha, width, pattern, flow, id], at);
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
