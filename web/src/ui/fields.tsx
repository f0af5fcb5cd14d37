// Filters: a text and choices, each bound to a member of the query.

import { useQueryChange } from '../core/route';

export function TextFilter({
  query,
  name,
  label,
  placeholder,
}: {
  query: URLSearchParams;
  name: string;
  label: string;
  placeholder?: string;
}): React.JSX.Element {
  const change = useQueryChange();
  return (
    <label className="field">
      <span>{label}</span>
      <input
        type="search"
        value={query.get(name) ?? ''}
        placeholder={placeholder}
        onChange={(event) => change({ [name]: event.target.value })}
      />
    </label>
  );
}

export function Choice({
  query,
  name,
  label,
  options,
  all = 'all',
}: {
  query: URLSearchParams;
  name: string;
  label: string;
  options: readonly (string | readonly [string, string])[];
  all?: string | null;
}): React.JSX.Element {
  const change = useQueryChange();
  return (
    <label className="field">
      <span>{label}</span>
      <select value={query.get(name) ?? ''} onChange={(event) => change({ [name]: event.target.value }, 'push')}>
        {all !== null && <option value="">{all}</option>}
        {options.map((option) => {
          const [value, text] = typeof option === 'string' ? [option, option] : option;
          return (
            <option key={value} value={value}>
              {text}
            </option>
          );
        })}
      </select>
    </label>
  );
}

export function Toggle({
  query,
  name,
  label,
}: {
  query: URLSearchParams;
  name: string;
  label: string;
}): React.JSX.Element {
  const change = useQueryChange();
  const on = query.get(name) === '1';
  return (
    <button
      type="button"
      className="toggle"
      aria-pressed={on}
      onClick={() => change({ [name]: on ? null : '1' }, 'push')}
    >
      {label}
    </button>
  );
}
