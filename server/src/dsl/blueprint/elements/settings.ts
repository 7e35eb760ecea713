/** `deployment_settings`: how a deployment of this blueprint is called, grouped and scheduled. */
import { DomainError } from '../../../errors.js';
import { defaultSchedule } from '../../default-schedules.js';
import { isObject } from '../../json.js';
import { CODE } from '../report.js';
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

const scheduleFields: Shape = record({
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

/** Any moment does: whether a time can be read depends on none. */
const ANY_MOMENT = new Date(0);

/** Made with each deployment, in one transaction. */
const MOST_SCHEDULES = 100;

/** Times and recurrences are read here too, so that nobody learns of a wrong one when a deployment is made. */
const schedules: Shape = (value, place, check) => {
  table(scheduleFields)(value, place, check);
  if (!isObject(value)) return;
  const all = Object.entries(value);
  if (all.length > MOST_SCHEDULES) {
    check.report.error(place, CODE.format, `At most ${MOST_SCHEDULES} default schedules are accepted`);
    return;
  }
  for (const [name, each] of all) {
    if (!isObject(each) || typeof each.workflow !== 'string' || !isTimeLike(each.since)) continue;
    try {
      defaultSchedule(name, each, ANY_MOMENT);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      check.report.error(place.at(name), CODE.format, error.message);
    }
  }
};

function isTimeLike(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

export const settingsShape: Shape = record({
  default_schedules: { shape: schedules },
  default_groups: { shape: list },
  default_group: { shape: text },
  id_template: { shape: text },
  display_name: { shape: anything },
});
