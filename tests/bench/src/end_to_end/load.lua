-- A delivery for wrk: how many bytes the body has, and the signature, or none.
function init(args)
    local size = tonumber(args[1])
    wrk.method = "POST"
    wrk.body = '"' .. string.rep("x", size - 2) .. '"'
    wrk.headers["x-hub-signature-256"] = args[2]
end
