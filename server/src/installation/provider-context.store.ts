import { systemStatement } from '../store/statement.js';

const WHY = 'the environment of the installation is the same for all tenants';

export interface ProviderContext {
  readonly name: string;
  readonly context: Readonly<Record<string, unknown>>;
}

export const selectContext = systemStatement<ProviderContext>(
  'provider_context_select',
  'select name, context from provider_context',
  WHY,
);

/** `$3`: also where somebody has set it already. */
export const updateContext = systemStatement<never>(
  'provider_context_update',
  'update provider_context set name = $1, context = $2, updated_at = now() where $3 or updated_at is null',
  WHY,
);
