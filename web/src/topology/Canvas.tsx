// The drawing itself: lanes as elements, links and nodes by WebGL, names on a canvas above. Serves a store, of now or
// of then.

import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { LinkRow } from '../core/contract';
import type { HeldNode, WorldStore } from '../live/store';
import { type Camera, zoomAt, toScreen } from './camera';
import type { Lane, Place } from './layout';
import { linkSentence } from './looks';
import { listen, nextInDirection } from './pointer';
import { Renderer } from './renderer';
import { Scene } from './scene';
import { NodeTip } from './NodeTip';

export interface CanvasProps {
  store: WorldStore;
  shown: (node: HeldNode) => boolean;
  selected: string | null;
  follow: boolean;
  camera: Camera | null; // To begin with; null fits.
  theme: string;
  onSelect: (id: string | null) => void;
  onOpen: (id: string) => void;
  onCamera: (camera: Camera | null) => void; // After a movement; null is the view of everything.
  label: string;
}

interface Tip {
  at: Place;
  node: string | null;
  link: LinkRow | null;
}

export function TopologyCanvas(props: CanvasProps): React.JSX.Element {
  const { store, shown, selected, follow, theme } = props;
  const box = useRef<HTMLDivElement>(null);
  const drawing = useRef<HTMLCanvasElement>(null);
  const names = useRef<HTMLCanvasElement>(null);
  const laneBox = useRef<HTMLDivElement>(null);
  const titleBox = useRef<HTMLDivElement>(null);
  const scene = useRef<Scene | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [tip, setTip] = useState<Tip | null>(null);
  const [lanes, setLanes] = useState<Lane[]>([]);
  const [broken, setBroken] = useState<string | null>(null);

  useLayoutEffect(() => {
    const [frame, canvas, text] = [box.current, drawing.current, names.current];
    if (!frame || !canvas || !text) return;
    let renderer: Renderer | null = null;
    try {
      renderer = Renderer.on(canvas);
    } catch (error) {
      setBroken(String(error));
      return;
    }
    if (!renderer) {
      setBroken('this browser has no WebGL 2');
      return;
    }
    const quiet = window.matchMedia('(prefers-reduced-motion: reduce)');
    const made = new Scene(store, renderer, text, () => quiet.matches);
    scene.current = made;
    const stop = run(made, renderer, frame, canvas, [laneBox, titleBox], latest, setTip, setLanes);
    const lost = (event: Event): void => {
      event.preventDefault();
      setBroken('the browser took the drawing context away; reload the page');
    };
    canvas.addEventListener('webglcontextlost', lost);
    return () => {
      canvas.removeEventListener('webglcontextlost', lost);
      stop();
      scene.current = null;
    };
  }, [store]);

  useEffect(() => scene.current?.theme(), [theme]);
  useEffect(() => scene.current?.filter(shown), [shown]);
  useEffect(() => {
    scene.current?.select(selected, scene.current.hovered);
  }, [selected, follow]);

  if (broken) {
    return (
      <p className="empty">
        The topology cannot be drawn: {broken}. The same nodes are on the page <a href="/nodes">Nodes</a>.
      </p>
    );
  }
  return (
    <div
      className="topology"
      ref={box}
      tabIndex={0}
      role="application"
      aria-label={props.label}
      aria-describedby="topology-keys"
    >
      <div className="lanes" ref={laneBox}>
        {lanes.map((lane) => (
          <div key={lane.mesh} className="lane" data-mesh={lane.mesh} />
        ))}
      </div>
      <canvas ref={drawing} aria-hidden="true" />
      <canvas ref={names} aria-hidden="true" />
      <div className="lane-titles" ref={titleBox}>
        {lanes.map((lane) => (
          <span key={lane.mesh} className="lane-title" data-mesh={lane.mesh}>
            {lane.mesh}{' '}
            <small>
              {lane.count}
              {store.meshes.get(lane.mesh)?.state === 'split' ? ' · split' : ''}
            </small>
          </span>
        ))}
      </div>
      {tip && <TipBox tip={tip} store={store} frame={box.current} />}
      <p id="topology-keys" className="hidden">
        Arrow keys go from node to node, Enter opens one, Escape lets go. Plus and minus zoom, 0 shows everything, Shift
        with an arrow moves the view.
      </p>
      <p className="hidden" aria-live="polite">
        {selected ? sentence(store.nodes.get(selected)) : ''}
      </p>
    </div>
  );
}

function sentence(node: HeldNode | undefined): string {
  return node ? `${node.name}, ${node.type}, ${node.state}, ${node.peers} peers` : '';
}

function TipBox({ tip, store, frame }: { tip: Tip; store: WorldStore; frame: HTMLElement | null }): React.JSX.Element {
  const right = frame && tip.at.x > frame.clientWidth - 300;
  const low = frame && tip.at.y > frame.clientHeight - 190;
  const node = tip.node ? store.nodes.get(tip.node) : undefined;
  const name = (id: string): string => store.nodes.get(id)?.name ?? id.slice(0, 10);
  return (
    <div
      className="tip"
      role="presentation"
      style={{
        left: right ? undefined : tip.at.x + 16,
        right: right ? frame.clientWidth - tip.at.x + 16 : undefined,
        top: low ? undefined : tip.at.y + 12,
        bottom: low ? frame.clientHeight - tip.at.y + 12 : undefined,
      }}
    >
      {node ? (
        <NodeTip node={node} store={store} />
      ) : tip.link ? (
        <span>{linkSentence(tip.link, name(tip.link.a), name(tip.link.b))}</span>
      ) : null}
    </div>
  );
}

// Everything that lives as long as the scene: gestures, frames, sizes. Returns what ends it.
function run(
  scene: Scene,
  renderer: Renderer,
  frame: HTMLDivElement,
  canvas: HTMLCanvasElement,
  boxes: React.RefObject<HTMLDivElement | null>[],
  latest: React.RefObject<CanvasProps>,
  setTip: (tip: Tip | null) => void,
  setLanes: (lanes: Lane[]) => void,
): () => void {
  let fitted = true;
  let planned: unknown = null;
  const props = (): CanvasProps => latest.current;
  const showHover = (at: Place | null): void => {
    const node = at ? scene.nodeAt(at, 5) : null;
    const link = at && !node ? scene.linkAt(at, 6) : null;
    scene.select(props().selected, node);
    canvas.parentElement?.classList.toggle('pointing', node !== null);
    setTip(at && (node || link) ? { at, node, link } : null);
  };
  const stopGestures = listen(frame, {
    hover: showHover,
    choose: (at) => props().onSelect(scene.nodeAt(at, 8)),
    pan: (dx, dy) => {
      fitted = false;
      scene.camera = {
        ...scene.camera,
        x: scene.camera.x - dx / scene.camera.k,
        y: scene.camera.y - dy / scene.camera.k,
      };
      scene.moved();
    },
    zoom: (at, factor) => {
      fitted = false;
      scene.camera = zoomAt(scene.camera, scene.size, at, factor);
      scene.moved();
    },
    ended: () => props().onCamera(fitted ? null : scene.camera),
  });
  const fitNow = (): void => {
    fitted = true;
    scene.fit();
    props().onCamera(null);
  };
  const onKey = (event: KeyboardEvent): void => {
    const arrows: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const arrow = arrows[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrow && event.shiftKey) {
      fitted = false;
      scene.camera = {
        ...scene.camera,
        x: scene.camera.x + (arrow[0] * 60) / scene.camera.k,
        y: scene.camera.y + (arrow[1] * 60) / scene.camera.k,
      };
      scene.moved();
    } else if (arrow) {
      const next = nextInDirection(scene.plan.places, props().selected, ...arrow);
      if (next) props().onSelect(next);
    } else if (event.key === 'Enter' && props().selected) props().onOpen(props().selected ?? '');
    else if (event.key === 'Escape') props().onSelect(null);
    else if (event.key === '0') fitNow();
    else if ('+=-'.includes(event.key)) zoomStep(event.key === '-' ? 0.8 : 1.25);
    else return;
    event.preventDefault();
  };
  const zoomStep = (factor: number): void => {
    fitted = false;
    scene.camera = zoomAt(scene.camera, scene.size, { x: scene.size.width / 2, y: scene.size.height / 2 }, factor);
    scene.moved();
    props().onCamera(scene.camera);
  };
  const onStep = (event: Event): void => {
    const factor = (event as CustomEvent<number>).detail;
    if (factor === 0) fitNow();
    else zoomStep(factor);
  };
  frame.addEventListener('keydown', onKey);
  frame.addEventListener('topology-zoom', onStep);
  const watcher = new ResizeObserver(() => {
    const size = { width: Math.max(1, frame.clientWidth), height: Math.max(1, frame.clientHeight) };
    for (const each of frame.querySelectorAll('canvas')) {
      each.style.width = `${size.width}px`;
      each.style.height = `${size.height}px`;
    }
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    canvas.width = Math.round(size.width * ratio);
    canvas.height = Math.round(size.height * ratio);
    scene.resize(size);
    if (fitted) scene.fit();
  });
  watcher.observe(frame);
  const first = props().camera;
  if (first) {
    scene.camera = first;
    fitted = false;
  }
  scene.filter(props().shown);
  scene.select(props().selected, null);
  const stopStore = props().store.subscribe((changes) => {
    scene.changed(changes);
    if (changes.structure && fitted) scene.fit();
  });
  let handle = 0;
  const turn = (time: number): void => {
    if (scene.plan !== planned) {
      planned = scene.plan;
      setLanes(scene.plan.lanes);
    }
    if (props().follow && props().selected) followNode(scene, props().selected ?? '');
    placeLanes(scene, boxes[0]?.current ?? null, boxes[1]?.current ?? null);
    scene.draw(time / 1000);
    frame.dataset['frames'] = String(scene.frames);
    handle = window.requestAnimationFrame(turn);
  };
  handle = window.requestAnimationFrame(turn);
  return () => {
    window.cancelAnimationFrame(handle);
    watcher.disconnect();
    stopStore();
    stopGestures();
    frame.removeEventListener('keydown', onKey);
    frame.removeEventListener('topology-zoom', onStep);
    renderer.dispose();
  };
}

// Keeps the followed node in the middle, gently.
function followNode(scene: Scene, id: string): void {
  const place = scene.plan.places.get(id);
  if (!place) return;
  const [dx, dy] = [place.x - scene.camera.x, place.y - scene.camera.y];
  if (Math.hypot(dx, dy) * scene.camera.k < 0.5) return;
  scene.camera = { ...scene.camera, x: scene.camera.x + dx * 0.25, y: scene.camera.y + dy * 0.25 };
  scene.moved();
}

// Lanes are elements, so that their names are text; they follow the camera, and a lane's name stays in sight while the
// lane is.
function placeLanes(scene: Scene, parent: HTMLDivElement | null, titles: HTMLDivElement | null): void {
  if (!parent || !titles) return;
  const key = `${scene.camera.x},${scene.camera.y},${scene.camera.k},${scene.size.width},${scene.plan.lanes.length},${scene.plan.width},${scene.plan.height}`;
  if (parent.dataset['at'] === key && parent.childElementCount === Number(parent.dataset['count'])) return;
  parent.dataset['at'] = key;
  parent.dataset['count'] = String(parent.childElementCount);
  for (const element of parent.children) {
    const lane = scene.plan.lanes.find((each) => each.mesh === (element as HTMLElement).dataset['mesh']);
    if (!lane) continue;
    const corner = toScreen(scene.camera, scene.size, lane);
    const style = (element as HTMLElement).style;
    style.transform = `translate(${corner.x}px, ${corner.y}px)`;
    style.width = `${lane.width * scene.camera.k}px`;
    style.height = `${lane.height * scene.camera.k}px`;
  }
  for (const element of titles.children) {
    const lane = scene.plan.lanes.find((each) => each.mesh === (element as HTMLElement).dataset['mesh']);
    if (!lane) continue;
    const corner = toScreen(scene.camera, scene.size, lane);
    const { style } = element as HTMLElement;
    const inside = (start: number, span: number): number => start + Math.max(0, Math.min(-start, span));
    style.fontSize = `${Math.min(14, Math.max(10, 16 * scene.camera.k))}px`;
    style.marginTop = `${Math.max(1, Math.min(5, 5 * scene.camera.k))}px`;
    style.transform = `translate(${inside(corner.x + 1, lane.width * scene.camera.k - 130)}px, ${inside(corner.y + 1, lane.height * scene.camera.k - 30)}px)`;
  }
}
