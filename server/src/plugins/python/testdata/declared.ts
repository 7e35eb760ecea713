import type { PlanPlugin } from '../../../dsl/plan.js';

/** A plugin as a blueprint declares it. */
export function declared(
  name: string,
  packageName: string | null,
  more: Partial<PlanPlugin> = {},
): PlanPlugin {
  return {
    name,
    executor: 'central_deployment_agent',
    install: true,
    source: null,
    installArguments: null,
    packageName,
    packageVersion: null,
    supportedPlatform: null,
    distribution: null,
    distributionVersion: null,
    distributionRelease: null,
    properties: {},
    ...more,
  };
}
