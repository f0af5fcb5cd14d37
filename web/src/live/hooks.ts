// The store in React. Pages of text are drawn at most four times a second, which is as fast as anybody reads; the
// topology subscribes to the store itself and draws every frame that changed.

import { createContext, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { Connection, type LinkState } from './connection';
import { WorldStore } from './store';

const READ_MS = 250;

export interface Live {
  store: WorldStore;
  connection: Connection;
}

export function makeLive(): Live {
  const store = new WorldStore();
  return { store, connection: new Connection(store) };
}

export const LiveContext = createContext<Live | null>(null);

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error('no LiveContext above');
  return live;
}

// Draws again when the store changed, at most every READ_MS.
export function useWorld(): WorldStore {
  const { store } = useLive();
  const seen = useRef(store.revision);
  const subscribe = useCallback(
    (listener: () => void) => {
      let timer: number | null = null;
      const stop = store.subscribe(() => {
        if (timer !== null || seen.current === store.revision) return;
        timer = window.setTimeout(() => {
          timer = null;
          seen.current = store.revision;
          listener();
        }, READ_MS);
      });
      return () => {
        stop();
        if (timer !== null) window.clearTimeout(timer);
      };
    },
    [store],
  );
  useSyncExternalStore(subscribe, () => seen.current);
  return store;
}

export function useLinkState(): LinkState {
  const { connection } = useLive();
  return useSyncExternalStore(
    useCallback((listener) => connection.subscribe(listener), [connection]),
    () => connection.state,
  );
}

// The time, every second: ages grow although nothing comes.
export function useSeconds(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}
