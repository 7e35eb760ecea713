"""Names of Python 2 that the older client asks for, so that it runs, unchanged, under Python 3 too."""
import base64
import sys
import urllib

if sys.version_info[0] > 2:
    import urllib.parse
    import urllib.request

    sys.modules['urlparse'] = urllib.parse
    urllib.quote = urllib.parse.quote
    urllib.pathname2url = urllib.request.pathname2url
    _encode = base64.urlsafe_b64encode
    base64.urlsafe_b64encode = lambda text: _encode(text.encode('utf-8')).decode('ascii')
