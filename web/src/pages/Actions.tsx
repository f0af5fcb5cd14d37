// What can be done with a node. Each action is confirmed; what went wrong is said in the dialog that asked for it.

import { useState } from 'react';
import { messageOf, postJson } from '../core/api';
import type { NodeRow } from '../core/contract';
import { useWorld } from '../live/hooks';
import { Dialog } from '../ui/Dialog';
import { rightsText, withCode } from '../ui/Shell';

export type Action = 'stop' | 'kill' | 'restart' | 'wedge' | 'resume';

interface Words {
  name: string;
  danger: boolean;
  what: (node: NodeRow) => string;
}

export const ACTIONS: Record<Action, Words> = {
  stop: {
    name: 'Stop',
    danger: false,
    what: (node) =>
      `${node.name} answers what it has in hand, says goodbye to its mesh and ends (SIGTERM). It does not come back.`,
  },
  kill: {
    name: 'Kill',
    danger: true,
    what: (node) =>
      `${node.name} ends at once (SIGKILL), without a goodbye: its neighbours have to find out. Messages under way may be in doubt.`,
  },
  restart: {
    name: 'Restart',
    danger: false,
    what: (node) => `${node.name} is stopped and started again, with the same identity.`,
  },
  wedge: {
    name: 'Wedge',
    danger: true,
    what: (node) =>
      `${node.name} is frozen (SIGSTOP) but not ended: its neighbours will suspect it. Resume lets it go on.`,
  },
  resume: { name: 'Resume', danger: false, what: (node) => `${node.name} goes on where it was frozen (SIGCONT).` },
};

// Which actions make sense for a process in this state.
export function actionsFor(node: Pick<NodeRow, 'process' | 'state'>): Action[] {
  if (node.process === 'ended' || node.state === 'dead') return ['restart'];
  if (node.process === 'wedged') return ['resume', 'kill', 'restart'];
  if (node.process === 'stopping') return ['kill'];
  return ['stop', 'kill', 'restart', 'wedge'];
}

// Why nothing can be done with it; null if something can.
export function useActionBar(node: Pick<NodeRow, 'here' | 'type'> | null): string | null {
  const store = useWorld();
  if (!store.loaded) return 'Not known yet: the console has not answered.';
  const text = rightsText(store.readOnly, store.supervisor.can_spawn, store.supervisor.why_not);
  if (text) return text;
  if (node && !node.here) return 'It does not run on this machine: ask the `grapevine up` that started it.';
  return null;
}

export function NodeActions({ node }: { node: NodeRow }): React.JSX.Element {
  const [asked, setAsked] = useState<Action | null>(null);
  const [said, setSaid] = useState('');
  const why = useActionBar(node);
  return (
    <div className="actions" role="group" aria-label={`Actions on ${node.name}`}>
      {actionsFor(node).map((action) => (
        <button
          key={action}
          type="button"
          aria-disabled={why !== null}
          aria-describedby={why ? 'why-not' : undefined}
          onClick={() => {
            if (!why) setAsked(action);
          }}
        >
          {ACTIONS[action].name}
        </button>
      ))}
      <span className="done" role="status">
        {said}
      </span>
      {why && (
        <p className="why" id="why-not">
          {withCode(why)}
        </p>
      )}
      {asked && (
        <Confirm
          node={node}
          action={asked}
          onClose={(done) => {
            setAsked(null);
            setSaid(done ? `${ACTIONS[asked].name}: done` : '');
          }}
        />
      )}
    </div>
  );
}

function Confirm({
  node,
  action,
  onClose,
}: {
  node: NodeRow;
  action: Action;
  onClose: (done: boolean) => void;
}): React.JSX.Element {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const words = ACTIONS[action];
  const go = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await postJson(`/api/nodes/${node.id}/${action}`, {});
      onClose(true);
    } catch (problem) {
      setError(messageOf(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`${words.name} ${node.name}?`} onClose={() => onClose(false)}>
      <p>{words.what(node)}</p>
      <div className="buttons">
        {error && (
          <p className="error" role="alert">
            {error}
          </p>
        )}
        <button type="button" onClick={() => onClose(false)}>
          Cancel
        </button>
        <button type="button" className={words.danger ? 'danger' : 'primary'} disabled={busy} onClick={() => void go()}>
          {busy ? 'Waiting…' : words.name}
        </button>
      </div>
    </Dialog>
  );
}
