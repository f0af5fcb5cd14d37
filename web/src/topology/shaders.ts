// The two programs of the topology: links as curved strips with a pattern, nodes as signed distance fields with a mark.

const HEAD = `#version 300 es
precision highp float;
uniform vec2 u_size;     // The view in device pixels.
uniform vec3 u_camera;   // Centre, and device pixels a unit.
uniform float u_ratio;   // Device pixels a CSS pixel.
uniform float u_time;    // Seconds.
vec2 screen(vec2 p) { return (p - u_camera.xy) * u_camera.z; }
vec4 clip(vec2 s) { return vec4(s.x * 2.0 / u_size.x, -s.y * 2.0 / u_size.y, 0.0, 1.0); }
`;

export const SEGMENTS = 12;

export const LINK_VERTEX = `${HEAD}
layout(location = 0) in vec4 i_ends;
layout(location = 1) in vec2 i_bend;
layout(location = 2) in vec4 i_color;
layout(location = 3) in vec3 i_style;  // Width, pattern, speed of the flow.
uniform float u_segments;
out vec4 v_color;
out vec3 v_line;                       // Along in CSS pixels, across in device pixels, part of the way.
flat out vec3 v_style;
void main() {
  float t = float(gl_VertexID / 2) / u_segments;
  float side = (gl_VertexID & 1) == 0 ? -1.0 : 1.0;
  vec2 a = screen(i_ends.xy), b = screen(i_ends.zw), c = screen(i_bend);
  vec2 p = mix(mix(a, c, t), mix(c, b, t), t);
  vec2 along = mix(c - a, b - c, t);
  vec2 normal = normalize(vec2(-along.y, along.x) + 1e-6);
  float half_width = i_style.x * u_ratio * 0.5 + 1.0;
  v_color = i_color;
  v_style = i_style;
  v_line = vec3(t * distance(a, b) / u_ratio, side * half_width, t);
  gl_Position = clip(p + normal * side * half_width);
}`;

export const LINK_FRAGMENT = `${HEAD}
in vec4 v_color;
in vec3 v_line;
flat in vec3 v_style;
out vec4 o_color;
float pattern(float kind, float along, float part) {
  if (kind < 0.5) return 1.0;                                                            // solid
  if (kind < 1.5) return step(mod(along, 6.0), 2.0);                                     // dotted
  if (kind < 2.5) return step(mod(along, 11.0), 6.5);                                    // dashed
  if (kind < 3.5) return part < 0.5 ? 1.0 : step(mod(along, 6.0), 2.0);                  // solid, then dotted
  if (kind < 4.5) return part > 0.5 ? 1.0 : step(mod(along, 6.0), 2.0);                  // dotted, then solid
  return mix(0.35, 1.0, step(mod(along - u_time * v_style.z, 16.0), 7.0));               // flowing
}
void main() {
  float cover = clamp(v_style.x * u_ratio * 0.5 + 0.5 - abs(v_line.y), 0.0, 1.0);
  float alpha = v_color.a * cover * pattern(v_style.y, v_line.x, v_line.z);
  o_color = vec4(v_color.rgb * alpha, alpha);
}`;

export const NODE_VERTEX = `${HEAD}
layout(location = 0) in vec4 i_place;  // Where, radius, shape.
layout(location = 1) in vec4 i_color;
layout(location = 2) in vec4 i_look;   // Mark, load, traffic, ring.
uniform float u_scale;
out vec2 v_at;
out vec4 v_color;
flat out vec4 v_look;
flat out vec2 v_shape;                 // Radius in device pixels, shape.
void main() {
  vec2 corner = vec2((gl_VertexID & 1) == 0 ? -1.0 : 1.0, (gl_VertexID & 2) == 0 ? -1.0 : 1.0);
  float radius = i_place.z * u_scale * u_ratio;
  // No larger than what is drawn around this one: a thousand quads cost by their area.
  bool plain = i_look.x < 0.5 && i_look.z < 0.12 && i_look.w < 0.5;
  float reach = radius * (plain ? 1.5 : 2.3) + 1.5 * u_ratio;
  v_at = corner * reach;
  v_color = i_color;
  v_look = i_look;
  v_shape = vec2(radius, i_place.w);
  gl_Position = clip(screen(i_place.xy) + v_at);
}`;

export const NODE_FRAGMENT = `${HEAD}
in vec2 v_at;
in vec4 v_color;
flat in vec4 v_look;
flat in vec2 v_shape;
uniform vec3 u_ground, u_text, u_muted, u_warn, u_bad;
out vec4 o_color;
float polygon(vec2 p, float n, float inner) {
  float turn = 6.2831853 / n, a = atan(p.x, p.y);
  return cos(floor(0.5 + a / turn) * turn - a) * length(p) - inner;
}
float shape(vec2 p, float kind) {
  if (kind < 0.5) return length(p) - 1.0;
  if (kind < 1.5) { vec2 q = abs(p) - 0.68; return length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - 0.2; }
  if (kind < 2.5) return (abs(p.x) + abs(p.y) - 1.22) * 0.7071;
  if (kind < 3.5) return polygon(p.yx, 6.0, 0.92);
  if (kind < 4.5) return polygon(-p - vec2(0.0, 0.18), 3.0, 0.66);
  return polygon(-p, 5.0, 0.86);
}
// The colour over what is there, both premultiplied.
void over(inout vec4 under, vec3 color, float alpha) { under = vec4(color, 1.0) * alpha + under * (1.0 - alpha); }
void main() {
  float radius = v_shape.x, px = u_ratio;
  vec2 p = vec2(v_at.x, -v_at.y);
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
    if (mark > 4.5 && mark < 5.5) fill *= 1.0 - step(abs(abs(p.x) - 0.3 * radius), 0.13 * radius) * step(abs(p.y), 0.5 * radius);
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
  o_color = c * dim;
}`;
