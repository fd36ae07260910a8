module.exports={name:'doctor',summary:'x',options:{},examples:[],async run(){return 0}}
