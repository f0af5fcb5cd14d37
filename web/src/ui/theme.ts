// Light, dark, or as the system says. Kept in localStorage, since it is of this browser and not of a view.

import { useEffect, useState } from 'react';

export type Choice = 'system' | 'light' | 'dark';
const KEY = 'grapevine.theme';

function stored(): Choice {
  try {
    const text = window.localStorage.getItem(KEY);
    return text === 'light' || text === 'dark' ? text : 'system';
  } catch {
    return 'system';
  }
}

export function applyTheme(choice: Choice): void {
  if (choice === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = choice;
}

export function applyStoredTheme(): void {
  applyTheme(stored());
}

// The choice, and a text that changes whenever colours may have.
export function useTheme(): [Choice, (choice: Choice) => void, string] {
  const [choice, setChoice] = useState<Choice>(stored);
  const [dark, setDark] = useState(() => window.matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = window.matchMedia('(prefers-color-scheme: dark)');
    const listener = (): void => setDark(query.matches);
    query.addEventListener('change', listener);
    return () => query.removeEventListener('change', listener);
  }, []);
  const choose = (next: Choice): void => {
    try {
      window.localStorage.setItem(KEY, next);
    } catch {
      // Then it holds until the page is loaded again.
    }
    applyTheme(next);
    setChoice(next);
  };
  return [choice, choose, `${choice}-${String(dark)}`];
}
