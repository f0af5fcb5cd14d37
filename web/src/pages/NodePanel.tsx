// The selected node beside the topology: the same as under the pointer, with its neighbours and the way to its page.

import { href } from '../core/route';
import { useWorld } from '../live/hooks';
import type { WorldStore } from '../live/store';
import { NodeTip } from '../topology/NodeTip';
import { lookOf, LINK_WORDS } from '../topology/looks';
import { Link } from '../ui/Link';
import { TypeMark } from '../ui/marks';

export function NodePanel({
  id,
  store,
  onClose,
}: {
  id: string;
  store: WorldStore;
  onClose: () => void;
}): React.JSX.Element {
  useWorld();
  const node = store.nodes.get(id);
  const links = [...store.links.values()].filter((link) => link.a === id || link.b === id);
  return (
    <aside className="panel node-panel" aria-label="Selected node">
      <button type="button" className="close" onClick={onClose} aria-label="Let go of the node">
        ✕
      </button>
      {node ? <NodeTip node={node} store={store} /> : <p>This node is not known any more.</p>}
      <p>
        <Link to={href('nodes', id)}>All of it, and actions</Link> ·{' '}
        <Link to={href('timeline', '', { node: id })}>Its timeline</Link>
      </p>
      <h2>
        Links <small>{links.length}</small>
      </h2>
      <ul className="links">
        {links.map((link) => {
          const other = store.nodes.get(link.a === id ? link.b : link.a);
          return (
            <li key={`${link.a}${link.b}${link.kind}`}>
              {other && <TypeMark type={other.type} />}{' '}
              <Link to={href('topology', '', { node: other?.id ?? null })}>
                {other?.name ?? (link.a === id ? link.b : link.a).slice(0, 10)}
              </Link>
              <small> {link.kind === 'delivery' ? `${link.rate ?? '?'} messages/s` : LINK_WORDS[lookOf(link)]}</small>
            </li>
          );
        })}
      </ul>
    </aside>
  );
}
