// A table whose rows are drawn only where they are seen, sorted by a column that the query names.

import {
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
  type RowData,
  type SortingState,
  type Table as Sorted,
} from '@tanstack/react-table';
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

declare module '@tanstack/react-table' {
  interface ColumnMeta<TData extends RowData, TValue> {
    head: string | undefined;
    className: string | undefined;
    content: (row: TData) => React.ReactNode; // Not `cell`: that would be a component, made anew with each draw.
  }
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

export function sortingOf(order: string): SortingState {
  return order === '' ? [] : [{ id: order.replace(/^-/, ''), desc: order.startsWith('-') }];
}

export function orderOf([first]: SortingState): string {
  return first ? `${first.desc ? '-' : ''}${first.id}` : '';
}

export function useSorted<Row>(
  { columns, rows, keyOf }: Pick<TableProps<Row>, 'columns' | 'rows' | 'keyOf'>,
  order: string,
): Sorted<Row> {
  const change = useQueryChange();
  const sorting = sortingOf(order).filter(({ id }) => columns.some((column) => column.key === id && column.sort));
  return useReactTable<Row>({
    data: rows,
    columns: columns.map(({ key, name, number, wrap, sort, cell }) => ({
      id: key,
      header: name,
      ...(sort ? { accessorFn: sort } : {}),
      enableSorting: sort !== undefined,
      sortingFn: 'basic' as const,
      sortDescFirst: false,
      meta: {
        head: number ? 'number' : undefined,
        className: number ? 'number' : wrap ? 'wrap' : undefined,
        content: cell,
      },
    })),
    state: { sorting },
    onSortingChange: (update) => change({ sort: orderOf(typeof update === 'function' ? update(sorting) : update) }),
    enableSortingRemoval: false,
    enableMultiSort: false,
    autoResetAll: false,
    getRowId: keyOf,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
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
  const table = useSorted({ columns, rows, keyOf }, query?.get('sort') ?? first);
  const shown = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    getItemKey: (i) => shown[i]?.id ?? i,
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
            {table.getFlatHeaders().map(({ id, column }) => {
              const { header, meta } = column.columnDef;
              const sorted = column.getIsSorted();
              const sortable = query && column.getCanSort();
              return (
                <th
                  key={id}
                  scope="col"
                  className={meta?.head}
                  aria-sort={sortable ? (sorted === false ? 'none' : `${sorted}ending`) : undefined}
                >
                  {sortable ? (
                    <button type="button" onClick={column.getToggleSortingHandler()}>
                      {String(header)}
                      {sorted === false ? '' : sorted === 'desc' ? ' ↓' : ' ↑'}
                    </button>
                  ) : (
                    String(header)
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
                {row.getAllCells().map(({ id, column: { columnDef } }) => (
                  <td key={id} className={columnDef.meta?.className}>
                    {columnDef.meta?.content(row.original)}
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
