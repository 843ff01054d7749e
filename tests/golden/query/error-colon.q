x http://example.com
