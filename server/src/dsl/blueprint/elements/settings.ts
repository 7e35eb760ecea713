/** `deployment_settings`: how a deployment of this blueprint is called, grouped and scheduled. */
import {
  anything,
  dict,
  flag,
  integer,
  list,
  record,
  type Shape,
  table,
  text,
  textOrNumber,
} from '../shape.js';

const schedule: Shape = record({
  workflow: { shape: text, required: true },
  since: { shape: textOrNumber, required: true },
  until: { shape: textOrNumber },
  recurrence: { shape: text },
  timezone: { shape: text },
  weekdays: { shape: list },
  count: { shape: integer },
  execution_arguments: {
    shape: record({
      force: { shape: flag },
      is_dry_run: { shape: flag },
      wait_after_fail: { shape: integer },
      allow_custom_parameters: { shape: flag },
    }),
  },
  workflow_parameters: { shape: dict },
  default_enabled: { shape: flag },
  stop_after_fail: { shape: flag },
  slip: { shape: integer },
});

export const settingsShape: Shape = record({
  default_schedules: { shape: table(schedule) },
  default_groups: { shape: list },
  default_group: { shape: text },
  id_template: { shape: text },
  display_name: { shape: anything },
});
