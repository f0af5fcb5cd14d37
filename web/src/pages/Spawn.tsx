// Starting nodes: some of one type, or whatever is missing of a layout.

import { useState } from 'react';
import { ApiError, messageOf, postJson } from '../core/api';
import type { NodeRow } from '../core/contract';
import { plural } from '../core/format';
import { useWorld } from '../live/hooks';
import { TYPES } from '../topology/looks';
import { Dialog } from '../ui/Dialog';

const STARTED = TYPES.filter((type) => type !== 'console');

interface Failure {
  message: string;
  field: string | null;
}

function failureOf(problem: unknown): Failure {
  return { message: messageOf(problem), field: problem instanceof ApiError ? problem.field : null };
}

function Field({
  name,
  label,
  value,
  set,
  failure,
  ...rest
}: {
  name: string;
  label: string;
  value: string;
  set: (value: string) => void;
  failure: Failure | null;
} & Omit<React.InputHTMLAttributes<HTMLInputElement>, 'value' | 'name'>): React.JSX.Element {
  const wrong = failure?.field === name;
  return (
    <label>
      {label}
      <input
        {...rest}
        name={name}
        value={value}
        onChange={(event) => set(event.target.value)}
        aria-invalid={wrong || undefined}
        aria-describedby={wrong ? `${name}-error` : undefined}
      />
      {wrong && (
        <span className="error" id={`${name}-error`} role="alert">
          {failure.message}
        </span>
      )}
    </label>
  );
}

export function SpawnDialog({ onClose }: { onClose: (said: string) => void }): React.JSX.Element {
  const store = useWorld();
  const [mesh, setMesh] = useState([...store.meshes.keys()].sort()[0] ?? 'mesh1');
  const [type, setType] = useState<string>('compute');
  const [many, setMany] = useState('1');
  const [cpu, setCpu] = useState('');
  const [memory, setMemory] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const go = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const answer = await postJson<{ nodes: NodeRow[] }>('/api/spawn', {
        mesh,
        type,
        count: Number(many),
        ...(cpu === '' ? {} : { cpu_millicores: Number(cpu) }),
        ...(memory === '' ? {} : { memory_kib: Number(memory) * 1024 }),
      });
      onClose(`Started ${plural(answer.nodes.length, 'node')} in ${mesh}.`);
    } catch (problem) {
      setFailure(failureOf(problem));
      setBusy(false);
    }
  };
  const known = ['mesh', 'type', 'count', 'cpu_millicores', 'memory_kib'].includes(failure?.field ?? '');
  return (
    <Dialog title="Spawn nodes" onClose={() => onClose('')}>
      <form className="form" onSubmit={(event) => void go(event)}>
        <Field
          name="mesh"
          label="Mesh (a new name makes a new mesh)"
          value={mesh}
          set={setMesh}
          failure={failure}
          list="meshes"
          required
        />
        <datalist id="meshes">
          {[...store.meshes.keys()].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label>
          Type
          <select value={type} onChange={(event) => setType(event.target.value)}>
            {STARTED.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <Field
          name="count"
          label="How many"
          value={many}
          set={setMany}
          failure={failure}
          inputMode="numeric"
          pattern="[0-9]+"
          required
        />
        <Field
          name="cpu_millicores"
          label="CPU budget, millicores"
          value={cpu}
          set={setCpu}
          failure={failure}
          inputMode="numeric"
          pattern="[0-9]*"
          placeholder="of the program"
        />
        <Field
          name="memory_kib"
          label="Memory budget, MiB"
          value={memory}
          set={setMemory}
          failure={failure}
          inputMode="numeric"
          pattern="[0-9]*"
          placeholder="of the program"
        />
        <div className="buttons wide">
          {failure && !known && (
            <p className="error" role="alert">
              {failure.message}
            </p>
          )}
          <button type="button" onClick={() => onClose('')}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={busy}>
            {busy ? 'Waiting until ready…' : 'Spawn'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

// A layout as text, one mesh a line: `mesh1 gateway=1 broker=3`. Null if it is none.
export function parseLayout(text: string): { mesh: string; per_mesh: Record<string, number> }[] | null {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const out = lines.map((line) => {
    const [mesh = '', ...parts] = line.split(/\s+/);
    const counts = parts.map((part) => /^([a-z0-9-]+)=(\d{1,3})$/.exec(part));
    if (!/^[a-z0-9][a-z0-9-]*$/.test(mesh) || parts.length === 0 || counts.includes(null)) return null;
    return { mesh, per_mesh: Object.fromEntries(counts.map((match) => [match?.[1] ?? '', Number(match?.[2])])) };
  });
  return lines.length === 0 || out.includes(null) ? null : out.filter((each) => each !== null);
}

export function BootstrapDialog({ onClose }: { onClose: (said: string) => void }): React.JSX.Element {
  const [text, setText] = useState(
    'mesh1 gateway=1 broker=3 compute=3 registry=2\nmesh2 gateway=1 broker=3 compute=3 registry=2',
  );
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const go = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    const meshes = parseLayout(text);
    if (!meshes) {
      setFailure({
        message: 'Each line must be a mesh and what it has: mesh1 gateway=1 broker=3',
        field: 'meshes',
      });
      return;
    }
    setBusy(true);
    setFailure(null);
    try {
      const answer = await postJson<{ started: unknown[]; present: unknown[] }>('/api/bootstrap', { meshes });
      onClose(`Started ${plural(answer.started.length, 'node')}; ${answer.present.length} were there.`);
    } catch (problem) {
      setFailure(failureOf(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Bootstrap a layout" onClose={() => onClose('')}>
      <form className="form" onSubmit={(event) => void go(event)}>
        <p className="wide">What is missing is started, nothing is stopped; doing it twice does nothing more.</p>
        <label className="wide">
          One mesh a line
          <textarea
            name="meshes"
            rows={4}
            value={text}
            onChange={(event) => setText(event.target.value)}
            aria-invalid={failure !== null || undefined}
            aria-describedby={failure ? 'meshes-error' : undefined}
          />
        </label>
        {failure && (
          <p className="error wide" id="meshes-error" role="alert">
            {failure.message}
          </p>
        )}
        <div className="buttons wide">
          <button type="button" onClick={() => onClose('')}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={busy}>
            {busy ? 'Waiting until ready…' : 'Bootstrap'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
