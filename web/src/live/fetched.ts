// What is asked for rather than streamed: kept while its successor is on the way, asked again at an interval.

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getJson, messageOf } from '../core/api';

export interface Fetched<T> {
  data: T | undefined;
  error: string | null;
  loading: boolean;
  again: () => void;
}

export function useFetched<T>(path: string | null, everyMs?: number): Fetched<T> {
  const query = useQuery<T>({
    queryKey: [path],
    enabled: path !== null,
    placeholderData: keepPreviousData,
    refetchInterval: everyMs ?? false,
    queryFn: ({ signal }) => getJson<T>(path ?? '', signal),
  });
  return {
    data: query.data,
    error: query.error ? messageOf(query.error) : null,
    loading: query.isPending && path !== null,
    again: () => void query.refetch(),
  };
}
