// What may be wider than its place: it scrolls by itself, by keyboard, too.

export function Scroll({ label, children }: { label: string; children: React.ReactNode }): React.JSX.Element {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}
