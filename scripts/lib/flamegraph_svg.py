"""Draws folded stacks as a flame graph: one self-contained SVG.

A frame is a box as wide as its share of the samples, upon the frame that called it. Neighbours are in order of their
names, not of time, so that equal stacks meet. Names come from programs that were profiled: they are escaped, never
trusted. A click zooms, Escape or a click on the ground zooms out, / searches.
"""

import re
import zlib
from xml.sax.saxutils import escape, quoteattr

WIDTH = 1200
MARGIN = 10
HEAD = 64
FOOT = 30
ROW = 18
FONT = 12
CHARACTER = 7.25
NARROWEST = 0.1  # Pixels; what is narrower is left out, with all that stands upon it.

# Hue and saturation by the kind of a frame; the lightness tells neighbours apart.
COLOURS = {'own': (95, 50), 'program': (45, 75), 'library': (22, 85), 'kernel': (205, 55), 'ground': (0, 0)}
LEGEND = (('own', 'grapevine'), ('program', 'other code of the program'), ('library', 'shared library'),
          ('kernel', 'kernel'))
NOT_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
OPERATOR = re.compile(r'operator(?:<=>|<<=|>>=|->\*?|<<|>>|<=|>=|<|>|\(\))')
ANONYMOUS = '(anonymous namespace)::'


class Frame:
    """A node of the merged stacks: its samples, of which `own` ended here."""

    __slots__ = ('name', 'count', 'own', 'callees')

    def __init__(self, name):
        self.name, self.count, self.own, self.callees = name, 0, 0, {}


def merge(stacks):
    ground = Frame('all')
    for stack, count in stacks.items():
        frame = ground
        frame.count += count
        for name in stack:
            frame = frame.callees.setdefault(name, Frame(name))
            frame.count += count
        frame.own += count
    return ground


def kind_of(name, depth):
    if depth < 2:
        return 'ground'
    if name.endswith('_[k]'):
        return 'kernel'
    if name.endswith('_[l]'):
        return 'library'
    return 'own' if name.startswith('grapevine::') else 'program'


def full_name(name):
    return re.sub(r'_\[[kl]\]$', '', name)


def short_name(name):
    """A name for a narrow place: without template arguments, parameters and anonymous namespaces."""
    name = full_name(name).replace(ANONYMOUS, '')
    out, depth, at = [], 0, 0
    while at < len(name):
        if found := OPERATOR.match(name, at):
            out.append(found[0] if depth == 0 else '')
            at = found.end()
            continue
        character = name[at]
        if character in '<(' and at > 0:
            if depth == 0 and character == '<':
                out.append('<>')
            depth += 1
        elif character in '>)' and depth > 0:
            depth -= 1
        elif depth == 0:
            out.append(character)
        at += 1
    return ''.join(out) if depth == 0 else name


def fitted(label, width):
    """As much of a label as a box of this width takes; nothing where that would be two letters."""
    room = int((width - 6) / CHARACTER)
    if len(label) <= room:
        return label
    return label[:room - 2] + '..' if room >= 5 else ''


def clean(text):
    return NOT_XML.sub('\ufffd', text)


def colour(name, kind):
    hue, saturation = COLOURS[kind]
    return f'hsl({hue},{saturation}%,{68 + zlib.crc32(name.encode("utf-8", "replace")) % 14}%)'


class Drawing:
    """The boxes of one graph, drawn from the ground up."""

    def __init__(self, ground):
        self.total = ground.count
        self.scale = (WIDTH - 2 * MARGIN) / max(1, ground.count)
        self.depth = 0
        self.boxes = []
        self.place(ground)

    def place(self, ground):
        """Collects what is wide enough, without recursion: stacks may be deep."""
        waiting = [(ground, 0, 0)]
        while waiting:
            frame, start, depth = waiting.pop()
            if frame.count * self.scale < NARROWEST:
                continue
            self.boxes.append((frame, start, depth))
            self.depth = max(self.depth, depth)
            for name in sorted(frame.callees):
                waiting.append((frame.callees[name], start, depth + 1))
                start += frame.callees[name].count

    @property
    def height(self):
        return HEAD + (self.depth + 1) * ROW + FOOT

    def box(self, frame, start, depth):
        x, width = MARGIN + start * self.scale, frame.count * self.scale
        y = self.height - FOOT - (depth + 1) * ROW
        name, label = clean(full_name(frame.name)), clean(short_name(frame.name))
        title = f'{name}\n{frame.count} samples, {frame.count / self.total:.2%}'
        if frame.own:
            title += f'; itself {frame.own}, {frame.own / self.total:.2%}'
        fill = colour(frame.name, kind_of(frame.name, depth))
        return (f'<g class="f" data-s="{start}" data-n="{frame.count}" data-d="{depth}" data-l={quoteattr(label)}>'
                f'<title>{escape(title)}</title>'
                f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{ROW - 1}" fill="{fill}"/>'
                f'<text x="{x + 3:.2f}" y="{y + ROW - 5}">{escape(fitted(label, width))}</text></g>\n')


def legend():
    parts, x = [], MARGIN
    for kind, text in LEGEND:
        hue, saturation = COLOURS[kind]
        parts.append(f'<rect x="{x}" y="36" width="12" height="12" fill="hsl({hue},{saturation}%,74%)"/>'
                     f'<text x="{x + 17}" y="46">{text}</text>')
        x += 17 + int(len(text) * CHARACTER) + 20
    return ''.join(parts)


def draw(stacks, title):
    drawing = Drawing(merge(stacks))
    height = drawing.height
    boxes = ''.join(drawing.box(*box) for box in drawing.boxes)
    return f'''<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">
<style>{STYLE}</style>
<rect width="100%" height="100%" fill="#fbfbf8"/>
<text id="title" x="{MARGIN}" y="22">{escape(clean(title))}</text>
<text id="out" class="button" x="{WIDTH - 230}" y="22">zoom out</text>
<text id="search" class="button" x="{WIDTH - 150}" y="22">search</text>
<text id="found" x="{WIDTH - MARGIN}" y="46" text-anchor="end"></text>
{legend()}
{boxes}<text id="about" x="{MARGIN}" y="{height - 10}"></text>
<script><![CDATA[
var MARGIN = {MARGIN}, WIDTH = {WIDTH - 2 * MARGIN}, CHARACTER = {CHARACTER}, TOTAL = {drawing.total};
{SCRIPT}]]></script>
</svg>
'''


STYLE = f'''
text {{ font: {FONT}px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1c1c1c; pointer-events: none }}
#title {{ font-size: 15px; font-weight: bold }}
.f, .button {{ cursor: pointer; pointer-events: all }}
.f:hover rect {{ stroke: #1c1c1c }}
.below rect {{ opacity: 0.5 }}
.gone {{ display: none }}
.hit rect {{ fill: #e455c8 }}
'''

SCRIPT = r'''
(function () {
  'use strict';
  var frames = Array.prototype.map.call(document.querySelectorAll('.f'), function (group) {
    return { group: group, rect: group.querySelector('rect'), text: group.querySelector('text'),
             start: +group.dataset.s, count: +group.dataset.n, depth: +group.dataset.d, label: group.dataset.l };
  });
  var about = document.getElementById('about'), found = document.getElementById('found');

  function fitted(label, width) {
    var room = Math.floor((width - 6) / CHARACTER);
    if (label.length <= room) return label;
    return room >= 5 ? label.slice(0, room - 2) + '..' : '';
  }

  // Gives the whole width to the samples of one frame; those below it in the stack stay, paler.
  function zoom(to) {
    var end = to.start + to.count, scale = WIDTH / to.count;
    frames.forEach(function (frame) {
      var from = Math.max(frame.start, to.start), until = Math.min(frame.start + frame.count, end);
      var inside = until > from, width = (until - from) * scale, x = MARGIN + (from - to.start) * scale;
      frame.group.classList.toggle('gone', !inside);
      frame.group.classList.toggle('below', inside && frame.depth < to.depth);
      if (!inside) return;
      frame.rect.setAttribute('x', x);
      frame.rect.setAttribute('width', width);
      frame.text.setAttribute('x', x + 3);
      frame.text.textContent = fitted(frame.label, width);
    });
  }

  // Marks what matches, and says the share of samples that have a match anywhere in their stack.
  function search(words) {
    var pattern = null, covered = 0, last = -1;
    try {
      pattern = words ? new RegExp(words, 'i') : null;
    } catch (error) {
      found.textContent = 'no such pattern';
      return;
    }
    var hits = frames.filter(function (frame) {
      var hit = pattern !== null && pattern.test(frame.group.querySelector('title').textContent.split('\n')[0]);
      frame.group.classList.toggle('hit', hit);
      return hit;
    });
    hits.sort(function (a, b) { return a.start - b.start || b.count - a.count; }).forEach(function (hit) {
      if (hit.start + hit.count <= last) return;
      covered += hit.start + hit.count - Math.max(last, hit.start);
      last = hit.start + hit.count;
    });
    found.textContent = pattern ? 'found in ' + (100 * covered / TOTAL).toFixed(2) + ' % of the samples' : '';
  }

  function ask() {
    var words = window.prompt('Frames to mark (a regular expression; nothing to unmark):', '');
    if (words !== null) search(words);
  }

  frames.forEach(function (frame) {
    frame.group.addEventListener('click', function () { zoom(frame); });
    frame.group.addEventListener('mouseover', function () {
      about.textContent = fitted(frame.group.querySelector('title').textContent.replace('\n', ': '), WIDTH);
    });
    frame.group.addEventListener('mouseout', function () { about.textContent = ''; });
  });
  document.getElementById('out').addEventListener('click', function () { zoom(frames[0]); });
  document.getElementById('search').addEventListener('click', ask);
  document.addEventListener('keydown', function (event) {
    if (event.key === 'Escape') zoom(frames[0]);
    if (event.key === '/') { event.preventDefault(); ask(); }
  });
}());
'''
