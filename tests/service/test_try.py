def test_it(serve):
    s = serve(background=True)
    who = s.customer
    for m, p, kw in [("GET",f"/v1/customers/{who}/score",{}),("GET",f"/v1/customers/{who}/score?as_of=2025-06-01",{}),("POST","/v1/predict_clv",{"json":{"customer_id":who}}),
      ("POST","/v1/score:batch",{"json":{"customer_ids":[who,"nobody",999999]}}),("GET",f"/v1/customers/{who}/explanation",{}),
      ("POST","/v1/events?wait=true",{"json":s.event("e1")}),("POST","/v1/events?wait=true",{"json":s.event("e1")}),("POST","/v1/events",{"json":s.event("e1",amount=3)}),("POST","/v1/events",{"content":b"{"}),
      ("GET",f"/v1/customers/{who}/history",{}),("GET",f"/v1/customers/{who}/events?limit=2",{}),
      ("POST","/v1/events:batch",{"json":[s.event("e1"),s.event("e2"),{"x":1}]}),
      ("POST","/v1/events:batch",{"content":b'{"a":1}\n\n{"b":\n',"headers":{"content-type":"application/x-ndjson"}}),
      ("GET","/v1/segments",{}),("GET","/v1/forecasts",{}),("GET","/v1/models",{}),("PUT","/v1/models/active",{"json":{"model":"everyone_average"}}),("PUT","/v1/models/active",{"json":{"model":"../x"}}),
      ("POST","/v1/treatments",{"json":{"event_id":"t1","customer_id":who,"event_time":"2025-12-31T10:00:00Z","policy":"p","propensity":0.3}}),
      ("POST","/v1/outcomes",{"json":{"event_id":"o1","customer_id":who,"event_time":"2025-12-31T10:00:00Z","kind":"cancellation"}}),
      ("GET","/v1/dead-letters",{}),("POST","/v1/dead-letters/2:replay",{"json":s.event("mended")}),("POST","/v1/dead-letters/1:replay",{}),("POST","/v1/dead-letters/x:replay",{}),("GET","/v1/reviews",{}),("POST","/v1/reviews/1:decide",{"json":{"decision":"ok","by":"Ann"}}),
      ("GET","/health",{}),("GET","/ready",{}),("GET","/metrics",{}),("GET","/openapi.json",{}),("GET","/nowhere",{}),("DELETE","/v1/events",{})]:
        r = s.ask(m,p,**kw)
        print(m,p,r.status_code,r.headers.get("content-type"),r.text[:700]); 
    print(s.logs.getvalue()[:3000])
