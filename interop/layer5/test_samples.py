"""What the vendor's REST page shows, in our own words: a design in an organisation that a header names, preferences, and how many
learners there are; from Python, from a shell with curl and jq, from JavaScript and from Go."""
import json
import os
import shutil
import subprocess
import sys
import unittest

import requests

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from go_program import needs_go, run_go  # noqa: E402 (found beside the suites)

BASE = 'http://{}:{}'.format(os.environ['ORRERY_INTEROP_HOST'], os.environ['ORRERY_INTEROP_PORT'])
DESIGNS = BASE + '/api/pattern'
PREFERENCES = BASE + '/api/identity/users/preferences'
CURRICULA = BASE + '/api/academy/cirricula'
SUM = '[.data[].registration_count] | add'


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        login = {'identifier': 'admin', 'password': os.environ['ORRERY_INTEROP_PASSWORD']}
        session = requests.post(BASE + '/api/auth/login', json=login).json()['token']
        signed_in = {'Authorization': 'Bearer ' + session}
        # Named in the query, as the page of tokens does it.
        made = requests.post(BASE + '/api/identity/tokens', params={'name': 'samples'}, headers=signed_in)
        assert made.status_code == 201, made.text
        cls.token = made.json()['tokens'][0]['access_token']
        cls.bearer = {'Authorization': 'Bearer ' + cls.token, 'Content-Type': 'application/json'}
        own = requests.post(BASE + '/api/identity/orgs', headers=cls.bearer, json={'name': 'sample organisation'})
        assert own.status_code == 201, own.text
        cls.organization = own.json()['id']

    def run_script(self, command, script, **env):
        env = dict(os.environ, TOKEN=self.token, ORGANIZATION=self.organization, **env)
        done = subprocess.run(command + [script], env=env, stdout=subprocess.PIPE, timeout=60, check=True)
        return json.loads(done.stdout.decode())

    def check_design(self, told):
        self.assertEqual([(one['name'], one['pattern_file'], one['org_id']) for one in told],
                         [('my-design', '...', self.organization)])

    def in_organization(self):
        return dict(self.bearer, **{'layer5-current-orgid': self.organization})

    def test_a_design_from_python(self):
        design = json.dumps({'name': 'my-design', 'pattern_file': '...'})
        self.check_design(requests.post(DESIGNS, headers=self.in_organization(), data=design).json())

    @unittest.skipUnless(shutil.which('curl'), 'needs curl')
    def test_a_design_from_a_shell(self):
        self.check_design(self.run_script(['sh', '-c'], '''curl --silent --request POST "$URL" \\
  --header "Authorization: Bearer $TOKEN" --header "layer5-current-orgid: $ORGANIZATION" \\
  --header "Content-Type: application/json" --data '{"name": "my-design", "pattern_file": "..."}' ''', URL=DESIGNS))

    def test_a_design_from_javascript(self):
        self.check_design(self.run_script(['node', '--eval'], '''fetch(process.env.URL, {
  method: 'POST',
  headers: {
    Authorization: `Bearer ${process.env.TOKEN}`,
    'layer5-current-orgid': process.env.ORGANIZATION,
    'Content-Type': 'application/json',
  },
  body: JSON.stringify({name: 'my-design', pattern_file: '...'}),
}).then((answer) => answer.json()).then((told) => console.log(JSON.stringify(told)))''', URL=DESIGNS))

    def test_a_design_in_somebody_elses_organisation_is_refused(self):
        headers = dict(self.bearer, **{'layer5-current-orgid': '00000000-0000-4000-8000-000000000000'})
        refused = requests.post(DESIGNS, headers=headers, json={'name': 'my-design', 'pattern_file': '...'})
        self.assertEqual(refused.status_code, 403)
        self.assertIn('error', refused.json())

    def test_preferences_say_where_later_calls_act(self):
        workspaces = requests.get(BASE + '/api/workspaces', headers=self.in_organization()).json()['workspaces']
        wanted = {'selectedOrganization': self.organization, 'selectedWorkspace': workspaces[0]['id']}
        set_ = requests.put(PREFERENCES, headers=self.bearer, data=json.dumps(wanted))
        self.assertEqual(set_.status_code, 201)
        self.assertEqual(set_.json()['selectedOrganization'], self.organization)
        [design] = requests.post(DESIGNS, headers=self.bearer, json={'name': 'there', 'pattern_file': '...'}).json()
        self.assertEqual((design['org_id'], design['workspace_id']), (self.organization, workspaces[0]['id']))
        cleared = requests.put(PREFERENCES, headers=self.bearer, json={'selectedOrganization': ''})
        self.assertEqual(cleared.status_code, 201)

    def test_how_many_learners_there_are(self):
        before = self.learners()
        made = requests.post(BASE + '/api/academy/curricula', headers=self.in_organization(),
                             json={'type': 'challenge', 'title': 'A first challenge', 'visibility': 'public'})
        self.assertEqual(made.status_code, 201, made.text)
        registered = requests.post(BASE + '/api/academy/register', headers=self.in_organization(),
                                   json={'contentId': made.json()['id']})
        self.assertEqual(registered.status_code, 201, registered.text)
        self.assertEqual(self.learners(), before + 1)
        script = '''fetch(process.env.URL, {headers: {Authorization: `Bearer ${process.env.TOKEN}`}})
  .then((answer) => answer.json())
  .then(({data}) => console.log(data.reduce((sum, path) => sum + path.registration_count, 0)))'''
        self.assertEqual(self.run_script(['node', '--eval'], script, URL=CURRICULA), before + 1)
        if all(shutil.which(tool) for tool in ('curl', 'jq')):
            script = 'curl --silent "$URL" --header "Authorization: Bearer $TOKEN" | jq "$SUM"'
            self.assertEqual(self.run_script(['sh', '-c'], script, URL=CURRICULA, SUM=SUM), before + 1)

    @needs_go
    def test_a_design_and_the_learners_from_go(self):
        told = run_go('samples.go', BASE=BASE, TOKEN=self.token, ORGANIZATION=self.organization).split()
        self.assertEqual(told, ['1', 'from-go', self.organization, '...', str(self.learners(self.in_organization()))])

    def learners(self, headers=None):
        told = requests.get(CURRICULA, headers=headers or self.bearer).json()
        counts = [one['registration_count'] for one in told['data']]
        self.assertTrue(all(isinstance(count, int) for count in counts))
        return sum(counts)

    def test_a_revoked_token_is_refused_with_the_next_call(self):
        made = requests.post(BASE + '/api/identity/tokens', params={'name': 'short'}, headers=self.bearer).json()
        short = made['tokens'][0]
        headers = {'Authorization': 'Bearer ' + short['access_token']}
        profile = BASE + '/api/identity/users/profile'
        self.assertEqual(requests.get(profile, headers=headers).status_code, 200)
        requests.delete(BASE + '/api/identity/tokens', params={'tokenId': short['id']}, headers=self.bearer)
        self.assertEqual(requests.get(profile, headers=headers).status_code, 401)
        self.assertEqual(requests.get(profile, headers=self.bearer).status_code, 200)


if __name__ == '__main__':
    unittest.main()
