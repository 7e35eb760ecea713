"""What the vendor's documentation shows, in our own words: a list of organisations by key and by session, from Python, from a
shell with curl, gunzip and jq, from JavaScript and from Go. And what the published scripts rely on beside it."""
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
ORGANIZATIONS = BASE + '/v2/prototype/domain/organizations/detail/get'
MEMBERS = ['bots', 'clouds', 'name', 'organization_id', 'resource_id', 'smtp_configured', 'status', 'users']


def log_in():
    # The documented sample calls its JSON text.
    answer = requests.request(
        method='POST', url=BASE + '/v2/public/user/login', verify=False,
        json={'username': 'admin', 'password': os.environ['ORRERY_INTEROP_PASSWORD']},
        headers={'Content-Type': 'text/plain', 'Accept': 'application/json'})
    assert answer.status_code == 200, answer.text
    return answer.json()


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.me = log_in()
        cls.session = {'x-auth-token': cls.me['session_id']}
        made = requests.post(BASE + '/v2/public/apikey/create', headers=cls.session,
                             json={'user_id': cls.me['user_id']})
        cls.key = made.json()

    def check(self, told):
        organizations = told['organizations']
        self.assertEqual(sorted(organizations[0]), MEMBERS)
        self.assertIn('Default Organization', [one['name'] for one in organizations])

    def test_python_with_a_key(self):
        headers = {'Content-Type': 'application/json;charset=UTF-8', 'Accept': 'application/json', 'Api-Key': self.key}
        self.check(requests.get(url=ORGANIZATIONS, data=json.dumps({}), verify=False, headers=headers).json())

    def test_python_with_a_session(self):
        headers = dict(self.session, **{'Content-Type': 'text/plain', 'Accept': 'application/json'})
        self.check(requests.get(url=ORGANIZATIONS, data=json.dumps({}), verify=False, headers=headers).json())

    @unittest.skipUnless(all(shutil.which(tool) for tool in ('bash', 'curl', 'gunzip', 'jq')), 'needs bash, curl, gunzip, jq')
    def test_shell_with_gunzip_and_jq(self):
        script = '''set -o pipefail
curl --silent --request GET --header "content-type: application/json" --header "accept-encoding: gzip" \\
  --header "Api-Key: $KEY" "$URL" | gunzip | jq --compact-output .'''
        env = dict(os.environ, KEY=self.key, URL=ORGANIZATIONS)
        done = subprocess.run(['bash', '-c', script], env=env, stdout=subprocess.PIPE, timeout=60, check=True)
        self.check(json.loads(done.stdout.decode()))

    def test_javascript(self):
        script = '''fetch(process.env.URL, {headers: {'Api-Key': process.env.KEY}})
  .then((answer) => answer.json()).then((told) => console.log(JSON.stringify(told)))'''
        env = dict(os.environ, KEY=self.key, URL=ORGANIZATIONS)
        done = subprocess.run(['node', '-e', script], env=env, stdout=subprocess.PIPE, timeout=60, check=True)
        self.check(json.loads(done.stdout.decode()))

    @needs_go
    def test_go(self):
        lines = run_go('organizations.go', KEY=self.key, URL=ORGANIZATIONS).splitlines()
        self.assertRegex(lines[0], r'^1 divvyorganization:1 ok clouds=\d+ bots=\d+ users=\d+$')

    def test_null_for_a_body_as_the_go_client_sends_it(self):
        for method in ('GET', 'POST'):
            answer = requests.request(method, BASE + '/v2/public/clouds/list', data='null',
                                      headers={'Api-Key': self.key, 'Content-Type': 'application/json'})
            self.assertEqual([answer.status_code, sorted(answer.json())], [200, ['clouds', 'total_count']])

    def test_a_user_is_made_and_deleted_as_a_script_does_it(self):
        headers = {'Api-Key': self.key}
        user = {'name': 'Robot', 'username': 'interop-robot', 'email': 'r@example.org', 'authentication_type': 'internal'}
        made = requests.post(BASE + '/v2/public/user/create_api_only_user', json=user, headers=headers).json()
        own = requests.get(BASE + '/v2/public/user/info', headers={'Api-Key': made['api_key']}).json()
        self.assertEqual(own['username'], 'interop-robot')
        gone = requests.delete(BASE + '/v2/prototype/user/{}/delete'.format(own['resource_id']), headers=headers)
        self.assertEqual(gone.status_code, 200)
        refused = requests.get(BASE + '/v2/public/user/info', headers={'Api-Key': made['api_key']})
        self.assertEqual([refused.status_code, 'error_message' in refused.json()], [403, True])

    def test_logging_out_ends_the_session(self):
        session = {'X-Auth-Token': log_in()['session_id']}
        self.assertEqual(requests.post(BASE + '/v2/public/user/logout', headers=session).json(), {})
        self.assertEqual(requests.get(ORGANIZATIONS, headers=session).status_code, 401)


if __name__ == '__main__':
    unittest.main()
