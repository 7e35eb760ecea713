/** Settings of self-service and its dialect; with the others in `config.ts`. */
import { matching, oneOf, toggle, whole } from './setting.js';

export const SELF_SERVICE_SETTINGS = {
  cloudboltTenant: matching(
    'ORRERY_CLOUDBOLT_TENANT',
    'default_tenant',
    /^[A-Za-z][A-Za-z0-9_.~-]{0,255}$/,
    'the name of a tenant',
    'the API of CloudBolt knows no tenants: all its calls are for this one',
  ),
  cloudboltHrefStyle: oneOf(
    'ORRERY_CLOUDBOLT_HREF_STYLE',
    ['classic', 'modern'],
    'classic',
    'how its links are printed: as up to version 8 and in its document, or as from version 9 on; both are read',
  ),
  cloudboltBasic: toggle(
    'ORRERY_CLOUDBOLT_BASIC',
    true,
    'its API takes name and password on every call, which some of its clients know nothing else of',
  ),
  cloudboltContentOpen: toggle(
    'ORRERY_CLOUDBOLT_CONTENT_OPEN',
    true,
    'names of what can be exported are told without credentials, since servers look at each other; not what they hold',
  ),
  cloudboltTokenSeconds: whole(
    'ORRERY_CLOUDBOLT_TOKEN_SECONDS',
    300,
    10,
    31_536_000,
    'how long a token of its API is good: as its document says',
  ),
  rateUnit: oneOf(
    'ORRERY_RATE_UNIT',
    ['hour', 'day', 'week', 'month', 'year'],
    'month',
    'the time that prices of servers are for',
  ),
  adminsSkipApproval: toggle(
    'ORRERY_ADMINS_SKIP_APPROVAL',
    false,
    'orders of administrators of the installation are approved by themselves, unless a quota holds them',
  ),
  cartDays: whole(
    'ORRERY_CART_DAYS',
    30,
    1,
    3650,
    'days after which an order that was begun and never submitted is taken away',
  ),
  expiryAction: oneOf(
    'ORRERY_EXPIRY_ACTION',
    ['notify', 'power-off', 'delete'],
    'notify',
    'what is done with a server on the day it expires, where its group does not say; a deletion is an order, which may have to be approved',
  ),
  expiryNoticeDays: whole(
    'ORRERY_EXPIRY_NOTICE_DAYS',
    7,
    0,
    365,
    'days before that in which its owner is told, where its group does not say',
  ),
};
