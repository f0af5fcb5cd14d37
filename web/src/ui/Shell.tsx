// What surrounds every page: the way to the others, the state of the connection, the theme.

import { createContext, useContext, useEffect, useState } from 'react';
import { age, clock } from '../core/format';
import { currentToken } from '../core/token';
import { href, type Page, type Route } from '../core/route';
import { useLinkState, useSeconds, useWorld } from '../live/hooks';
import { summary } from '../pages/alertRules';
import { Link } from './Link';
import { useTheme, type Choice } from './theme';

const NAMES: [Page, string][] = [
  ['topology', 'Topology'],
  ['nodes', 'Nodes'],
  ['cache', 'Cache'],
  ['timeline', 'Timeline'],
  ['messages', 'Messages'],
  ['traces', 'Traces'],
  ['boot', 'Boot'],
  ['services', 'Services'],
  ['charts', 'Metrics'],
  ['alerts', 'Alerts'],
];

export const ThemeContext = createContext('');
export const useThemeKey = (): string => useContext(ThemeContext);

export function titleOf(route: Route): string {
  const name = NAMES.find(([page]) => page === route.page)?.[1] ?? 'Not found';
  const of = route.page === 'boot' ? route.query.get('node') : route.query.get('metric');
  if (of) return `${of} · ${name}`;
  return route.rest === '' ? name : `${route.rest.length > 30 ? route.rest.slice(0, 12) : route.rest} · ${name}`;
}

export function Shell({ route, children }: { route: Route; children: React.ReactNode }): React.JSX.Element {
  const [choice, choose, key] = useTheme();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    document.title = `${titleOf(route)} · grapevine`;
    setOpen(false);
  }, [route.page, route.rest, route.query.get('node'), route.query.get('metric')]);
  return (
    <ThemeContext.Provider value={key}>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <div className={`shell${open ? ' nav-open' : ''}`}>
        <header className="bar">
          <button className="menu" aria-expanded={open} aria-controls="nav" onClick={() => setOpen(!open)}>
            ☰ <span>Pages</span>
          </button>
          <Link to="/topology" className="brand">
            grapevine
          </Link>
          <FabricLine />
          <ThemeChoice choice={choice} choose={choose} />
        </header>
        <nav id="nav" aria-label="Pages">
          <ul>
            {NAMES.map(([page, name]) => (
              <li key={page}>
                <Link to={href(page)} aria-current={route.page === page ? 'page' : undefined}>
                  {name}
                  {page === 'alerts' && <AlertCount />}
                </Link>
              </li>
            ))}
          </ul>
          <Rights />
        </nav>
        <main id="main" tabIndex={-1}>
          <Banner />
          {children}
        </main>
      </div>
    </ThemeContext.Provider>
  );
}

function ThemeChoice({ choice, choose }: { choice: Choice; choose: (choice: Choice) => void }): React.JSX.Element {
  return (
    <label className="theme">
      <span className="hidden">Colours</span>
      <select value={choice} onChange={(event) => choose(event.target.value as Choice)}>
        <option value="system">System</option>
        <option value="dark">Dark</option>
        <option value="light">Light</option>
      </select>
    </label>
  );
}

function FabricLine(): React.JSX.Element {
  const store = useWorld();
  const state = useLinkState();
  const word = state.kind === 'live' ? 'live' : state.kind === 'connecting' ? 'connecting' : 'stale';
  return (
    <p className="fabric">
      <span className={`pulse pulse-${word}`} aria-hidden="true" />
      <span className="word">{word}</span>
      {store.loaded && (
        <span className="counts">
          fabric <b>{store.fabric}</b> · {store.meshes.size} {store.meshes.size === 1 ? 'mesh' : 'meshes'} ·{' '}
          {store.nodes.size} nodes
        </span>
      )}
    </p>
  );
}

function AlertCount(): React.JSX.Element | null {
  const store = useWorld();
  const state = useLinkState();
  const { overall, count } = summary(store, state.kind === 'live');
  if (overall === 'well') return null;
  const sign = overall === 'critical' ? '✕' : overall === 'warning' ? '!' : overall === 'info' ? 'i' : '?';
  const tone = overall === 'critical' ? 'bad' : overall === 'warning' ? 'warn' : overall === 'info' ? 'info' : 'quiet';
  return (
    <span className={`badge tone-${tone}`}>
      <span aria-hidden="true">{sign}</span>
      <span className="hidden">{overall}:</span> {count > 0 ? count : ''}
    </span>
  );
}

// Whether this tab may change anything, and if not, why.
export function rightsText(readOnly: boolean, can: boolean, whyNot: string | null | undefined): string | null {
  if (readOnly) return 'This console was started read-only.';
  if (currentToken() === null) return 'Read-only: open the link that `grapevine up` printed; it carries the token.';
  if (!can) return `Nothing can be started here: ${whyNot ?? 'no `grapevine up` runs'}.`;
  return null;
}

function Rights(): React.JSX.Element | null {
  const store = useWorld();
  if (!store.loaded) return null;
  const text = rightsText(store.readOnly, store.supervisor.can_spawn, store.supervisor.why_not);
  return text ? <p className="rights">{withCode(text)}</p> : null;
}

// Text with `commands` as code.
export function withCode(text: string): React.ReactNode {
  return text.split('`').map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part));
}

function Banner(): React.JSX.Element {
  const state = useLinkState();
  const now = useSeconds();
  return (
    <div aria-live="polite">
      {state.kind === 'stale' && (
        <p className="banner" role="status">
          <b>Stale since {clock(state.sinceMs)}</b> ({age(now - state.sinceMs)}): {withCode(state.why)}. What you see is
          what was known then; trying again.
        </p>
      )}
    </div>
  );
}
