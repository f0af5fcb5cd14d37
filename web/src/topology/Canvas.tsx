// The drawing itself: lanes as elements, links, nodes and names by the scene above them. Serves a store, of now or of
// then.

import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { LinkRow } from '../core/contract';
import type { HeldNode, WorldStore } from '../live/store';
import { nextInDirection } from './arrows';
import { clampedZoom, toScreen, type Camera } from './camera';
import type { Lane, Place } from './layout';
import { linkSentence } from './looks';
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
  const drawing = useRef<HTMLDivElement>(null);
  const laneBox = useRef<HTMLDivElement>(null);
  const titleBox = useRef<HTMLDivElement>(null);
  const scene = useRef<Scene | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [tip, setTip] = useState<Tip | null>(null);
  const [lanes, setLanes] = useState<Lane[]>([]);
  const [broken, setBroken] = useState<string | null>(null);

  useLayoutEffect(() => {
    const [frame, stage] = [box.current, drawing.current];
    if (!frame || !stage) return;
    let running: Running;
    try {
      running = run(store, frame, stage, [laneBox, titleBox], latest, setTip, setLanes);
    } catch (error) {
      setBroken(String(error));
      return;
    }
    scene.current = running.scene;
    const lost = (event: Event): void => {
      event.preventDefault();
      setBroken('the browser took the drawing context away; reload the page');
    };
    stage.addEventListener('webglcontextlost', lost, true);
    return () => {
      stage.removeEventListener('webglcontextlost', lost, true);
      running.stop();
      scene.current = null;
    };
  }, [store]);

  useLayoutEffect(() => void scene.current?.sigma.scheduleRender(), [lanes]); // Elements of new lanes want a place.
  useEffect(() => scene.current?.theme(), [theme]);
  useEffect(() => scene.current?.filter(shown), [shown]);
  useEffect(() => {
    scene.current?.select(selected);
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
      <div className="drawing" ref={drawing} aria-hidden="true" />
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

interface Running {
  scene: Scene;
  stop: () => void;
}

const ENDED_MS = 200; // Without movement, a movement is over.

// Everything that lives as long as the scene: keys, sizes, what is said of gestures.
function run(
  store: WorldStore,
  frame: HTMLDivElement,
  stage: HTMLDivElement,
  boxes: React.RefObject<HTMLDivElement | null>[],
  latest: React.RefObject<CanvasProps>,
  setTip: (tip: Tip | null) => void,
  setLanes: (lanes: Lane[]) => void,
): Running {
  const props = (): CanvasProps => latest.current;
  const quiet = window.matchMedia('(prefers-reduced-motion: reduce)');
  let fitted = props().camera === null;
  let planned: unknown = null;
  let movedTimer = 0;
  const moved = (): void => {
    fitted = false;
    window.clearTimeout(movedTimer);
    movedTimer = window.setTimeout(() => props().onCamera(fitted ? null : scene.camera), ENDED_MS);
  };
  const scene: Scene = new Scene(store, stage, () => quiet.matches, {
    hover: (node, link, at) => {
      frame.classList.toggle('pointing', node !== null);
      setTip(node || link ? { at: { x: at.x, y: at.y }, node, link } : null);
    },
    choose: (node) => props().onSelect(node),
    moved,
    drawn: () => {
      if (scene.plan !== planned) {
        planned = scene.plan;
        setLanes(scene.plan.lanes);
      }
      placeLanes(scene, frame, boxes[0]?.current ?? null, boxes[1]?.current ?? null);
      frame.dataset['frames'] = String(scene.frames);
      if (props().follow && props().selected) followNode(scene, props().selected ?? '');
    },
  });
  const fitNow = (): void => {
    fitted = true;
    scene.fit();
    props().onCamera(null);
  };
  const steer = (change: (camera: Camera) => Camera): void => {
    scene.steer(change(scene.camera));
    moved();
  };
  const zoom = (factor: number): void => steer((camera) => ({ ...camera, k: clampedZoom(camera.k * factor) }));
  const onKey = (event: KeyboardEvent): void => {
    const arrow = ARROWS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrow && event.shiftKey)
      steer((camera) => ({
        ...camera,
        x: camera.x + (arrow[0] * 60) / camera.k,
        y: camera.y + (arrow[1] * 60) / camera.k,
      }));
    else if (arrow) {
      const next = nextInDirection(scene.plan.places, props().selected, ...arrow);
      if (next) props().onSelect(next);
    } else if (event.key === 'Enter' && props().selected) props().onOpen(props().selected ?? '');
    else if (event.key === 'Escape') props().onSelect(null);
    else if (event.key === '0') fitNow();
    else if ('+=-'.includes(event.key)) zoom(event.key === '-' ? 0.8 : 1.25);
    else return;
    event.preventDefault();
  };
  const onStep = (event: Event): void => {
    const factor = (event as CustomEvent<number>).detail;
    if (factor === 0) fitNow();
    else zoom(factor);
  };
  frame.addEventListener('keydown', onKey);
  frame.addEventListener('topology-zoom', onStep);
  let placed = false;
  const watcher = new ResizeObserver(() => {
    scene.resize({ width: Math.max(1, frame.clientWidth), height: Math.max(1, frame.clientHeight) });
    if (fitted) scene.fit();
    else if (!placed) scene.steer(props().camera ?? scene.camera);
    placed = true;
  });
  watcher.observe(frame);
  scene.filter(props().shown);
  scene.select(props().selected);
  const stopStore = store.subscribe((changes) => {
    scene.changed(changes);
    if (changes.structure && fitted) scene.fit();
  });
  return {
    scene,
    stop: () => {
      window.clearTimeout(movedTimer);
      watcher.disconnect();
      stopStore();
      frame.removeEventListener('keydown', onKey);
      frame.removeEventListener('topology-zoom', onStep);
      scene.kill();
    },
  };
}

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

// Keeps the followed node in the middle, gently.
function followNode(scene: Scene, id: string): void {
  const place = scene.plan.places.get(id);
  const { x, y, k } = scene.camera;
  if (!place) return;
  const [dx, dy] = [place.x - x, place.y - y];
  if (Math.hypot(dx, dy) * k > 0.5) scene.steer({ k, x: x + dx * 0.25, y: y + dy * 0.25 });
}

// Lanes are elements, so that their names are text; they follow the camera, and a lane's name stays in sight while the
// lane is.
function placeLanes(
  scene: Scene,
  frame: HTMLElement,
  parent: HTMLDivElement | null,
  titles: HTMLDivElement | null,
): void {
  if (!parent || !titles) return;
  const camera = scene.camera;
  const size = { width: frame.clientWidth, height: frame.clientHeight };
  const key = `${camera.x},${camera.y},${camera.k},${size.width},${size.height},${scene.plan.lanes.length},${scene.plan.width},${scene.plan.height}`;
  if (parent.dataset['at'] === key && parent.childElementCount === Number(parent.dataset['count'])) return;
  parent.dataset['at'] = key;
  parent.dataset['count'] = String(parent.childElementCount);
  for (const element of parent.children) {
    const lane = scene.plan.lanes.find((each) => each.mesh === (element as HTMLElement).dataset['mesh']);
    if (!lane) continue;
    const corner = toScreen(camera, size, lane);
    const style = (element as HTMLElement).style;
    style.transform = `translate(${corner.x}px, ${corner.y}px)`;
    style.width = `${lane.width * camera.k}px`;
    style.height = `${lane.height * camera.k}px`;
  }
  for (const element of titles.children) {
    const lane = scene.plan.lanes.find((each) => each.mesh === (element as HTMLElement).dataset['mesh']);
    if (!lane) continue;
    const corner = toScreen(camera, size, lane);
    const { style } = element as HTMLElement;
    const inside = (start: number, span: number): number => start + Math.max(0, Math.min(-start, span));
    style.fontSize = `${Math.min(14, Math.max(10, 16 * camera.k))}px`;
    style.marginTop = `${Math.max(1, Math.min(5, 5 * camera.k))}px`;
    style.transform = `translate(${inside(corner.x + 1, lane.width * camera.k - 130)}px, ${inside(corner.y + 1, lane.height * camera.k - 30)}px)`;
  }
}
