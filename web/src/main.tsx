import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { ApiError } from './core/api';
import { keepTokenOfLocation } from './core/token';
import { LiveContext, makeLive } from './live/hooks';
import { applyStoredTheme } from './ui/theme';
import './styles/base.css';
import './styles/layout.css';
import './styles/parts.css';

keepTokenOfLocation();
applyStoredTheme();

const live = makeLive();
live.connection.start();

// What the server refused, it refuses again: only what did not reach it is tried anew.
const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: (times, error) => !(error instanceof ApiError) && times < 2, refetchOnWindowFocus: false },
  },
});

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <QueryClientProvider client={queries}>
      <LiveContext.Provider value={live}>
        <App />
      </LiveContext.Provider>
    </QueryClientProvider>,
  );
}
