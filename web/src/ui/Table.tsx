// A table whose rows are drawn only where they are seen, sorted by a column that the query names.

import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { useQueryChange } from '../core/route';

export interface Column<Row> {
  key: string;
  name: string;
  number?: boolean;
  wrap?: boolean;
  sort?: (row: Row) => string | number;
  cell: (row: Row) => React.ReactNode;
}

export interface TableProps<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  query?: URLSearchParams; // Holds `sort`, a column's key, with a minus for downwards.
  first?: string; // How it is sorted unless the query says otherwise.
  tall?: boolean;
}

export function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], order: string): Row[] {
  const down = order.startsWith('-');
  const of = columns.find((column) => column.key === order.replace(/^-/, ''))?.sort;
  if (!of) return [...rows];
  const factor = down ? -1 : 1;
  return rows
    .map((row, index) => ({ row, index, value: of(row) }))
    .sort((a, b) => (a.value < b.value ? -factor : a.value > b.value ? factor : a.index - b.index))
    .map((each) => each.row);
}

const ROW_PX = 33;

export function Table<Row>({
  label,
  columns,
  rows,
  keyOf,
  query,
  first = '',
  tall,
}: TableProps<Row>): React.JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const change = useQueryChange();
  const order = query?.get('sort') ?? first;
  const shown = order === '' ? rows : sortRows(rows, columns, order);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    getItemKey: (i) => {
      const row = shown[i];
      return row === undefined ? i : keyOf(row);
    },
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items[items.length - 1]?.end ?? 0);
  return (
    <div
      className={`grid${tall ? ' grid-tall' : ''}`}
      ref={scroller}
      tabIndex={0}
      role="region"
      aria-label={`Table of ${label.toLowerCase()}`}
    >
      <table aria-rowcount={shown.length + 1}>
        <thead>
          <tr>
            {columns.map((column) => {
              const mine = order.replace(/^-/, '') === column.key;
              const sorting = mine ? (order.startsWith('-') ? 'descending' : 'ascending') : 'none';
              return (
                <th
                  key={column.key}
                  scope="col"
                  className={column.number ? 'number' : undefined}
                  aria-sort={query && column.sort ? sorting : undefined}
                >
                  {query && column.sort ? (
                    <button
                      type="button"
                      onClick={() =>
                        change({
                          sort: mine && !order.startsWith('-') ? `-${column.key}` : column.key,
                        })
                      }
                    >
                      {column.name}
                      {mine ? (order.startsWith('-') ? ' ↓' : ' ↑') : ''}
                    </button>
                  ) : (
                    column.name
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {above > 0 && (
            <tr aria-hidden="true">
              <td colSpan={columns.length} style={{ height: above, padding: 0 }} />
            </tr>
          )}
          {items.map((item) => {
            const row = shown[item.index];
            if (row === undefined) return null;
            return (
              <tr key={item.key} ref={virtual.measureElement} data-index={item.index} aria-rowindex={item.index + 2}>
                {columns.map((column) => (
                  <td key={column.key} className={column.number ? 'number' : column.wrap ? 'wrap' : undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {below > 0 && (
            <tr aria-hidden="true">
              <td colSpan={columns.length} style={{ height: below, padding: 0 }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
