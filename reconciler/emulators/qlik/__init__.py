"""A tenant of Qlik Cloud, as far as connections and data projects go.

`app.QlikCloud` is the tenant; `world` holds what is in it, `gate` lets requests in, `control` plays what people and time do.
It is what the published descriptions of the API say; what they leave open is a knob (`knobs.Knobs`).
"""
