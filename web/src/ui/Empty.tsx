// Nothing to show: says so, and names the next command.

import { withCode } from './Shell';

export function Empty({ children }: { children: string }): React.JSX.Element {
  return <p className="empty">{withCode(children)}</p>;
}

export function Problem({ error }: { error: string }): React.JSX.Element {
  return (
    <p className="problem" role="alert">
      {withCode(error)}
    </p>
  );
}
