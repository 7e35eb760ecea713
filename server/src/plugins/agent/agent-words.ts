/** Names that the base types of the language give. */
export const AGENT_PLUGIN = 'agent';
/** The function that an agent carries out itself. */
export const RESTART = 'cloudify_agent.operations.restart';
